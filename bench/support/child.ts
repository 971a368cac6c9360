import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { profileArguments } from './profile.ts';

type Functions = { readonly [name: string]: (input: never) => unknown };

/** A process that runs functions of one module for its parent, one at a time. */
export type Child<Module> = AsyncDisposable & {
  readonly call: <Name extends keyof Module>(
    name: Name,
    ...input: Module[Name] extends (...input: infer Input) => unknown ? Input : never
  ) => Promise<Module[Name] extends (...input: never[]) => infer Result ? Awaited<Result> : never>;
};

type Answer = { readonly result?: unknown; readonly error?: string };

/**
 * @param module its URL; what its functions take and give is copied between the processes
 * @param nodeOptions those of a server in whose place the process is
 */
export function startChild<Module>(
  module: URL,
  profileName?: string,
  nodeOptions: readonly string[] = [],
): Child<Module> {
  const child = fork(new URL(import.meta.url), [module.href], {
    execArgv: [...process.execArgv, ...nodeOptions, ...profileArguments(profileName)],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  return {
    call: async (name, ...[input]) => {
      child.send({ name, input });
      const [answer] = (await Promise.race([once(child, 'message'), failWhen(ended, module)])) as [
        Answer,
      ];
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.result as never;
    },
    [Symbol.asyncDispose]: () => stop(child, ended),
  };
}

async function failWhen(ended: Promise<unknown>, module: URL): Promise<never> {
  await ended;
  throw new Error(`the process of ${module.pathname} has ended`);
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.connected) child.disconnect();
  const killer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(killer);
}

/** In the child: answers each call, until the parent lets go of the channel. */
async function serve(moduleUrl: string): Promise<void> {
  const functions: Functions = await import(moduleUrl);
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ name, input }: { name: string; input: never }) => {
    try {
      process.send?.({ result: await functions[name]?.(input) } satisfies Answer);
    } catch (error) {
      process.send?.({ error: error instanceof Error ? error.stack : String(error) });
    }
  });
}

const [, program, moduleUrl] = process.argv;
if (program === fileURLToPath(import.meta.url) && moduleUrl !== undefined) await serve(moduleUrl);
