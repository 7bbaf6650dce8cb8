/** One number of a row. */
export interface Figure {
  name: string;
  value: number;
  /** At most this; undefined for a figure that explains another one. */
  reach?: number;
  /** What the ratio is of, in absolute figures. */
  detail: string;
}
