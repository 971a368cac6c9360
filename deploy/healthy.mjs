// The health check of a container: `node deploy/healthy.mjs 127.0.0.1:8051` exits with 0 where the
// server with that HTTP address can do its work, else with 1, and says what the server says.
const address = process.argv[2] ?? '';
try {
  const answer = await fetch(`http://${address}/health/ready`, {
    signal: AbortSignal.timeout(4000),
  });
  console.log(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  console.log(error.cause?.message ?? error.message);
  process.exitCode = 1;
}
