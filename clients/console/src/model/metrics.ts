// What the server's figures say, and how they went over time. Pure.

/** One reading of all figures. */
export interface Reading {
  readonly atMs: number;
  /** Values by name with labels, as they stand in the text. */
  readonly values: ReadonlyMap<string, number>;
}

/** Reads the text format of Prometheus. */
export function readFigures(text: string, atMs: number): Reading {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const pairs = lines.map((line) => {
    const cut = line.lastIndexOf(" ");
    return [line.slice(0, cut), Number(line.slice(cut + 1))] as const;
  });
  return { atMs, values: new Map(pairs) };
}

/** The sum over all labels of a name. */
export function total({ values }: Reading, name: string): number | null {
  const found = [...values].filter(([key]) => key === name || key.startsWith(`${name}{`));
  return found.length === 0 ? null : found.reduce((sum, [, value]) => sum + value, 0);
}

/** A plot: its words, and how a point is read from a reading and the one before. */
export interface Figure {
  readonly title: string;
  readonly unit: "a second" | "ms" | "bytes" | "";
  readonly read: (now: Reading, before: Reading | undefined) => number | null;
}

const level =
  (...names: string[]) =>
  (now: Reading) => {
    for (const name of names) {
      const found = total(now, name);
      if (found !== null) return found;
    }
    return null;
  };

/** How much a count grew in a second. */
const rate = (name: string) => (now: Reading, before: Reading | undefined) => {
  const grown = growth(name, now, before);
  return grown === null || !before ? null : grown / ((now.atMs - before.atMs) / 1_000);
};

/** How long one took on average between two readings. */
const mean = (name: string) => (now: Reading, before: Reading | undefined) => {
  const [sum, count] = [growth(`${name}_sum`, now, before), growth(`${name}_count`, now, before)];
  return sum === null || !count ? null : (1_000 * sum) / count;
};

function growth(name: string, now: Reading, before: Reading | undefined): number | null {
  const [last, first] = [total(now, name), before ? total(before, name) : null];
  // A count that shrank began anew with a new server.
  return last === null || first === null || last < first ? null : last - first;
}

/** What is plotted, in this order. */
export const FIGURES: readonly Figure[] = [
  { title: "Requests", unit: "a second", read: rate("adsum_answers_total") },
  { title: "Time to reach the disk", unit: "ms", read: mean("adsum_sync_seconds") },
  { title: "Connections", unit: "", read: level("adsum_connections") },
  { title: "Live followers", unit: "", read: level('adsum_view_entries{view="feeds"}') },
  { title: "Disk", unit: "bytes", read: level("adsum_disk_bytes") },
  { title: "Memory", unit: "bytes", read: level("process_resident_memory_bytes", "adsum_memory_bytes") },
  { title: "Notifications sent", unit: "a second", read: rate("adsum_notifications_sent_total") },
  { title: "Last entry of the log", unit: "", read: level("adsum_log_head_sequence") },
];

/** The points of a figure over readings, oldest first. */
export function points(figure: Figure, readings: readonly Reading[]): (number | null)[] {
  return readings.map((now, index) => figure.read(now, readings[index - 1]));
}

/** How many places a line of so many points takes: it grows until the picture is full. */
export function slotsFor(count: number, most: number): number {
  return Math.min(most, Math.max(count, 16));
}

/** The line through points as the path of a picture of `width` by `height`; gaps stay gaps. */
export function path(
  values: readonly (number | null)[],
  width: number,
  height: number,
  slots: number,
): string {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(0, ...known), Math.max(...known, 1e-9)];
  const x = (index: number) => ((index + slots - values.length) / Math.max(1, slots - 1)) * width;
  const y = (value: number) => height - ((value - low) / (high - low)) * height;
  let isBroken = true;
  const steps = values.map((value, index) => {
    if (value === null) {
      isBroken = true;
      return "";
    }
    const step = `${isBroken ? "M" : "L"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    isBroken = false;
    return step;
  });
  return steps.join("");
}
