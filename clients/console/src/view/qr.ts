// A QR code as a picture of one path.

import { generate } from "lean-qr";
import { html, type TemplateResult } from "lit-html";

const MARGIN = 4;

/** The code of a text, dark on white in every colour scheme, because that is what cameras read. */
export function qrView(text: string, label: string): TemplateResult {
  const code = generate(text);
  const size = code.size + 2 * MARGIN;
  return html`<svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label=${label} shape-rendering="crispEdges">
    <rect class="paper" width=${size} height=${size}></rect><path class="ink" d=${squares(code)}></path></svg>`;
}

/** A square for each dark place. */
export function squares(code: { readonly size: number; get(x: number, y: number): boolean }): string {
  const rows = Array.from({ length: code.size }, (_, y) =>
    Array.from({ length: code.size }, (_, x) =>
      code.get(x, y) ? `M${x + MARGIN} ${y + MARGIN}h1v1h-1z` : "",
    ).join(""),
  );
  return rows.join("");
}
