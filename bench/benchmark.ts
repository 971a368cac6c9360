import type { Row } from './table.ts';

export type Bench = {
  /** For data; removed afterwards. */
  readonly folder: string;
  /** Says what goes on, beside the table. */
  readonly note: (text: string) => void;
  /** How much is built or sent: what the row's name says, or in a quick run a part of it. */
  readonly sized: (count: number) => number;
};

/** Something that is measured: some rows of the table. */
export type Benchmark = {
  /** Of the section: what is measured, and its floor. */
  readonly title: string;
  /** Of its row, or what its rows have in common. */
  readonly name: string;
  readonly run: (bench: Bench) => Promise<readonly Row[]>;
};
