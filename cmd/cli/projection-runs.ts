import { type JsonObject, toJson } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import {
  DifferenceKindSchema,
  type DocumentDifference,
  ProjectionService,
  RebuildProjectionResponseSchema,
  type VerifyProjectionResponse,
  VerifyProjectionResponseSchema,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import type { Cli } from './cli.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { enumLabel, formatCount } from './format.ts';
import { fullJson } from './output.ts';
import { createProgress, rateNote } from './progress.ts';
import { oneLine } from './text.ts';

/** One view after the other, in an order in which what is derived comes after what it is made of. */
export async function runRebuild(
  cli: Cli,
  view: string,
  { stream = '' }: { readonly stream?: string },
): Promise<void> {
  for (const each of await viewsOf(cli, view)) await rebuild(cli, each, stream);
}

/** Follows a rebuild to its end. With --json each step is a line. */
async function rebuild(
  { session, output, streams }: Cli,
  view: string,
  stream: string,
): Promise<void> {
  const progress = createProgress(streams.stderr, view);
  const documents: string[] = [];
  let generation = 0;
  let isSwitched = false;
  try {
    const steps = session.client(ProjectionService).rebuildProjection({ view, stream });
    for await (const step of steps) {
      documents.push(...step.documents);
      if (output.json) {
        const document = fullJson(RebuildProjectionResponseSchema, step) as JsonObject;
        output.document({ view, ...document });
      }
      if (step.progress === undefined) continue;
      const { eventsDone, eventsTotal, eventsPerSecond, secondsLeft } = step.progress;
      generation = step.progress.generation;
      isSwitched = step.progress.switched;
      const note = rateNote(eventsPerSecond, secondsLeft);
      progress.update(Number(eventsDone), Number(eventsTotal), note);
    }
  } finally {
    progress.end();
  }
  if (stream === '' && !isSwitched) {
    throw new CliError(`the rebuild of ${view} ended before it was live: see projection status`);
  }
  if (output.json) return;
  if (stream === '') output.print(`${view} is rebuilt: generation ${generation} is live`);
  else
    output.sentence(
      `${view}: built again from ${stream}: ${documents.join(', ') || 'no document'}`,
    );
}

/** 0 where every document is as a replay of the log makes it. */
export async function runVerify(cli: Cli, view: string): Promise<number> {
  let differences = 0n;
  for (const each of await viewsOf(cli, view)) {
    const result = await verify(cli, each);
    differences += result.differences;
    if (cli.output.json) {
      const document = fullJson(VerifyProjectionResponseSchema, result) as JsonObject;
      cli.output.document({ view: each, ...document });
    } else {
      printResult(cli.output, each, result);
    }
  }
  return differences === 0n ? exitCode.ok : exitCode.failed;
}

/** The one that is named, or all. */
async function viewsOf({ session }: Cli, name: string): Promise<readonly string[]> {
  if (name !== 'all') return [name];
  const projections = session.client(ProjectionService);
  const answer = await projections.listProjections({}, session.limited);
  return answer.projections.map(({ view }) => view);
}

async function verify({ session, streams }: Cli, view: string): Promise<VerifyProjectionResponse> {
  const progress = createProgress(streams.stderr, view);
  try {
    for await (const step of session.client(ProjectionService).verifyProjection({ view })) {
      if (step.done) return step;
      progress.update(Number(step.eventsDone), Number(step.eventsTotal));
    }
  } finally {
    progress.end();
  }
  throw new CliError(`the comparison of ${view} ended before it was complete`);
}

function printResult(output: Cli['output'], view: string, result: VerifyProjectionResponse): void {
  const { differences, documents, documentsCompared } = result;
  const compared = `${formatCount(documentsCompared)} documents compared`;
  output.print(`${view}: ${compared}, ${formatCount(differences)} differ`);
  for (const document of documents) printDifference(output, document);
  const more = differences - BigInt(documents.length);
  if (more > 0n) output.print(`  … and ${formatCount(more)} more`);
}

function printDifference(output: Cli['output'], document: DocumentDifference): void {
  const { documentId, kind, fields } = document;
  output.print(`  ${documentId}: ${enumLabel(DifferenceKindSchema, kind)}`);
  for (const { field, live, replayed } of fields) {
    const [is, should] = [live, replayed].map((value) =>
      value === undefined ? 'absent' : oneLine(JSON.stringify(toJson(ValueSchema, value))),
    );
    output.sentence(`    ${field}: is ${is}, replayed ${should}`);
  }
}
