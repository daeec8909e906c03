// Names of people and domains as they are typed, stored and shown. Pure.

/** `pres:alice@localhost` or `im:alice@localhost` as `alice@localhost`. */
export function bare(address: string): string {
  return address.replace(/^(pres|im):/, "");
}

/** The part before the `@`. */
export function localPart(name: string): string {
  return name.split("@")[0] ?? name;
}

/** The part behind the `@`. */
export function domainOf(name: string): string {
  return name.split("@")[1] ?? "";
}

/** What somebody typed as a whole name; `domain` is added where none was typed. Empty if it is no name. */
export function typed(text: string, domain: string): string {
  const name = bare(text.trim());
  if (name === "" || /\s/.test(name)) return "";
  const whole = name.includes("@") ? name : `${name}@${domain}`;
  return /^[^@]+@[^@]+$/.test(whole) ? whole : "";
}

/** The domain that the people of a server most likely have, by the address of the page. */
export function likelyDomain(hostname: string): string {
  return /^(127\.|\[?::1\]?$)/.test(hostname) ? "localhost" : hostname;
}

/** How to call somebody in a page of `domain`: without the domain if it is the same. */
export function shortName(name: string, domain: string): string {
  return domainOf(name) === domain ? localPart(name) : name;
}

/** One of `count` colours, always the same for a name. */
export function hue(name: string, count = 8): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % count;
}

/** The letter that stands for somebody. */
export function initial(name: string): string {
  return (Array.from(name)[0] ?? "?").toLocaleUpperCase();
}
