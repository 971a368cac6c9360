import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./event-log-appender.ts', import.meta.url));

export type Acknowledged = {
  readonly causation: string;
  readonly stream: string;
  readonly revision: number;
};

/** One process of event-log-appender.ts. Killed at the end of its block, if it still runs. */
export async function startAppender(
  path: string,
  work: { callers: number; appends: number; streams: readonly string[] },
) {
  const args = [script, path, String(work.callers), String(work.appends), ...work.streams];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const acknowledged: Acknowledged[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, 'line');
  const closed = once(child, 'close');
  await ready;
  lines.on('line', (line) => {
    const [causation = '', stream = '', revision] = line.split(' ');
    acknowledged.push({ causation, stream, revision: Number(revision) });
    for (const { count, resolve } of waiting) if (acknowledged.length >= count) resolve();
  });

  return {
    acknowledged,
    go: () => child.stdin.write('go\n'),
    /** Until so many appends are acknowledged, or it has ended. */
    reached: async (count: number): Promise<void> => {
      const reached = new Promise<void>((resolve) => waiting.push({ count, resolve }));
      await Promise.race([reached, closed]);
    },
    /** Its exit code, and what it has said on the error output. */
    ended: async (): Promise<{ code: unknown; errors: string }> => {
      const [code] = await closed;
      return { code, errors };
    },
    kill: async (): Promise<void> => {
      child.kill('SIGKILL');
      await closed;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
