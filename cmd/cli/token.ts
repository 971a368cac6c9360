import { type Command, Option } from 'commander';
import { openLocalKey } from '../../src/transport/local-key.ts';
import { durationArgument, nameArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { allRoles, localSubject } from './credentials.ts';
import { CliError, exitCode } from './exit-codes.ts';

type Options = { readonly subject: string; readonly roles: string; readonly ttl: number };

export function addTokenCommand(program: Command, bind: Bind): void {
  program
    .command('token')
    .description('print a bearer token, signed with the local key')
    .option('--subject <name>', 'who it is for', nameArgument, localSubject)
    .option('--roles <roles>', 'with commas between', allRoles.join(','))
    .addOption(
      new Option('--ttl <duration>', 'how long it is valid')
        .argParser(durationArgument)
        .default(24 * 3_600_000, '24h'),
    )
    .action(bind(runToken));
}

async function runToken(cli: Cli, { subject, roles, ttl }: Options): Promise<void> {
  const wanted = roles.split(',').map((role) => role.trim());
  const unknown = wanted.filter((role) => !allRoles.includes(role));
  if (unknown.length > 0) {
    const message = `unknown role "${unknown.join('", "')}": there are ${allRoles.join(', ')}`;
    throw new CliError(message, exitCode.usage);
  }
  const { signToken } = await openLocalKey(cli.session.config.dataDirectory);
  const ttlSeconds = Math.ceil(ttl / 1000);
  const token = await signToken({ subject, roles: wanted, ttlSeconds });
  if (cli.output.json) cli.output.document({ token, subject, roles: wanted, ttlSeconds });
  else cli.output.print(token);
}
