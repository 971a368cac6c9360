import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { createOutput } from '../../../cmd/cli/output.ts';
import { widthOf } from '../../../cmd/cli/text.ts';
import { printWelcome } from '../../../cmd/cli/welcome.ts';
import { readConfig } from '../../../src/config/config.ts';

function welcome(env: Record<string, string>, token: string | undefined): string {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk;
      done();
    },
  });
  const config = readConfig(env);
  const output = createOutput({ stdout: stream, stderr: stream }, false);
  printWelcome(output, { config, addresses: config.servers, token });
  return text;
}

test('where to connect, a token, three commands: on 80 columns', () => {
  const lines = welcome({}, 'a.b.c').split('\n');
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
  expect(lines).toContain('write      127.0.0.1:50051  http://127.0.0.1:8051');
  expect(lines).toContain('a.b.c');
  expect(lines.filter((line) => line.startsWith('npm run -s horizon -- '))).toHaveLength(3);
  expect(lines.filter((line) => line.startsWith('export '))).toEqual([]);
});

test('what another terminal has to set where the settings are not the defaults', () => {
  const env = { CIPHERHORIZON_DATA_DIR: "/srv/ana's", READ_HTTP_ADDRESS: '0.0.0.0:9000' };
  const lines = welcome(env, undefined).split('\n');
  expect(lines.filter((line) => line.startsWith('export '))).toEqual([
    "export CIPHERHORIZON_DATA_DIR='/srv/ana'\\''s'",
    'export HORIZON_READ_URL=http://127.0.0.1:9000',
  ]);
  expect(lines).toContain('one from HORIZON_TOKEN.');
});
