// A figure over time as a small picture, with its latest value in words.

import { html, nothing } from "lit-html";
import { type Figure, path, points, type Reading, slotsFor } from "../model/metrics.js";
import { READINGS_MAX } from "../model/server.js";
import { bytes } from "../words/quotas.js";
import type { View } from "./parts.js";

const [WIDTH, HEIGHT] = [240, 56];

/** The plot; nothing if this server does not tell that figure. */
export function plotView(figure: Figure, readings: readonly Reading[]): View {
  const values = points(figure, readings);
  const last = values.findLast((value) => value !== null) ?? null;
  if (last === null) return nothing;
  const most = Math.max(...values.map((value) => value ?? 0));
  const line = path(values, WIDTH, HEIGHT, slotsFor(values.length, READINGS_MAX));
  return html`<figure class="plot"><figcaption>${figure.title}</figcaption><p class="value">${amount(figure, last)}</p>
    <svg viewBox="-2 -2 ${WIDTH + 4} ${HEIGHT + 4}" preserveAspectRatio="none" role="img" aria-label="${figure.title}: ${amount(figure, last)} now, ${amount(figure, most)} at most"><path d=${line}></path></svg></figure>`;
}

function amount({ unit }: Figure, value: number): string {
  if (unit === "bytes") return bytes(value);
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  return `${value.toLocaleString("en", { maximumFractionDigits: digits })}${unit ? ` ${unit}` : ""}`;
}
