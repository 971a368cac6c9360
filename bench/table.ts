/** What a row has to reach. */
export type Target = { readonly text: string; readonly isReached: boolean };

/** One line of the table; a further target gets a line of its own below. */
export type Row = {
  readonly name: string;
  readonly measured: string;
  /** The same measure of what the row is held against, taken in the same run. */
  readonly floor?: string;
  /** How the two compare, as the row's target has it. */
  readonly ratio?: number;
  readonly targets?: readonly Target[];
};

/** Rows that are held against the same floor. */
export type Section = { readonly title: string; readonly rows: readonly Row[] };

export const tableWidth = 80;

// With a space between, they fill the width.
const widths = { name: 35, measured: 11, floor: 11, ratio: 6, target: 9, reached: 3 } as const;

export function formatTable(heading: readonly string[], sections: readonly Section[]): string {
  const rule = '-'.repeat(tableWidth);
  const lines = [...heading, rule, line('', 'measured', 'floor', 'ratio', 'target', 'met'), rule];
  for (const { title, rows } of sections) {
    if (rows.length === 0) continue;
    lines.push(title, ...rows.flatMap(linesOf));
  }
  return [...lines, rule].map((text) => text.trimEnd()).join('\n');
}

function linesOf({ name, measured, floor = '', ratio, targets = [] }: Row): string[] {
  const [first, ...others] = targets;
  const ratioText = ratio === undefined ? '' : ratio.toFixed(2);
  return [
    line(`  ${name}`, measured, floor, ratioText, first?.text ?? '', reachedText(first)),
    ...others.map((target) => line('', '', '', '', target.text, reachedText(target))),
  ];
}

function reachedText(target: Target | undefined): string {
  if (target === undefined) return '';
  return target.isReached ? 'yes' : 'NO';
}

function line(
  name: string,
  measured: string,
  floor: string,
  ratio: string,
  target: string,
  reached: string,
): string {
  return [
    name.padEnd(widths.name),
    measured.padStart(widths.measured),
    floor.padStart(widths.floor),
    ratio.padStart(widths.ratio),
    target.padStart(widths.target),
    reached.padStart(widths.reached),
  ].join(' ');
}

export function atLeast(value: number, least: number, text: string): Target {
  return { text: `>= ${text}`, isReached: value >= least };
}

export function below(value: number, most: number, text: string): Target {
  return { text: `< ${text}`, isReached: value < most };
}

export function atMost(value: number, most: number, text: string): Target {
  return { text: `<= ${text}`, isReached: value <= most };
}
