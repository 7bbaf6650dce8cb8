/** The figures of a row, and how they are shown. */
import type { Comparison, Cost } from './measure.ts';

/** One number of a row. */
export interface Figure {
  name: string;
  value: number;
  /** At most this; undefined for a figure that explains another one. */
  reach?: number | undefined;
  /** What the ratio is of, in absolute figures. */
  detail: string;
}

type Unit = (value: number) => string;

export const milliseconds: Unit = (seconds) => `${(seconds * 1000).toFixed(1)} ms`;
export const seconds: Unit = (value) => `${value.toFixed(2)} s`;
export const mebibytes: Unit = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
export const bytes: Unit = String;

/** Figures of a comparison: for each cost what is to be reached, and how it is shown. */
export function figures(
  found: Comparison,
  wanted: Partial<Record<keyof Cost, [reach: number | undefined, unit: Unit]>>,
): Figure[] {
  return Object.entries(wanted).map(([key, [reach, unit]]) => {
    const cost = key as keyof Cost;
    const detail = `${unit(found.own[cost])} / ${unit(found.other[cost])}`;
    return { name: key === 'cpu' ? 'CPU' : key, value: found.ratio[cost], reach, detail };
  });
}

/** A figure that has no pair: `own` as a part of `other`. */
export function share(name: string, own: number, other: number, reach: number, unit: Unit): Figure {
  return { name, value: own / other, reach, detail: `${unit(own)} / ${unit(other)}` };
}
