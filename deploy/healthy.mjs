// The health check of a container: `node deploy/healthy.mjs 8051` exits with 0 where the server on
// that HTTP port of this machine can do its work, else with 1 and the reason.
const port = process.argv[2] ?? '';
try {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, {
    signal: AbortSignal.timeout(4000),
  });
  console.log(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  console.log(error.cause?.message ?? error.message);
  process.exitCode = 1;
}
