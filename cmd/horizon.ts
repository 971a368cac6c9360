#!/usr/bin/env node
import { runCli } from './cli/program.ts';

// A reader that has seen enough (`| head`) is no error: there is nobody left to write to.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2), process.env, process);
