import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';

export const echoPath = '/bench.Echo/Echo';

const same = (bytes: Buffer): Buffer => bytes;

const definition = {
  Echo: {
    path: echoPath,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
} satisfies ServiceDefinition;

/** A bare grpc-js server, which answers with so many bytes. @returns its address */
export function serveEcho({ answerBytes }: { readonly answerBytes: number }): Promise<string> {
  const answer = Buffer.alloc(answerBytes, 1);
  const server = new Server();
  server.addService(definition, {
    Echo: (_call: unknown, callback: (error: null, bytes: Buffer) => void) =>
      callback(null, answer),
  });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(`127.0.0.1:${port}`);
      else reject(error);
    });
  });
}
