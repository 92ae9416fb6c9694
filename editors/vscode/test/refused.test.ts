// What a gateway that does not take our certificate says: TLS 1.3 tells it only after the handshake is done at this end. OpenSSL's own server
// says it as the gateway does; Node's closes the connection without a word.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';

import { Adapter } from '../src/core/adapter.js';
import { dial, type Place } from '../src/core/dial.js';
import { LinkStream } from '../src/core/link.js';
import { Ca, opensslProgram } from './support/certificates.js';
import { Told } from './support/peer.js';

/** A TLS server with a certificate of `ca`, which lets in nobody but `clients`'. */
async function serving(directory: string, ca: Ca, clients: Ca): Promise<{ port: number; end: () => void }> {
  const { key, cert } = ca.issue('gateway', 'DNS:localhost');
  const file = (name: string, text: string): string => {
    fs.writeFileSync(path.join(directory, name), text);
    return path.join(directory, name);
  };
  const server = spawn(
    opensslProgram,
    ['s_server', '-accept', '127.0.0.1:0', '-tls1_3', '-alpn', 'delvegate/1', '-key', file('server.key', key), '-cert', file('server.crt', cert), '-CAfile', file('clients.crt', clients.pem), '-Verify', '1', '-verify_return_error'],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let said = '';
  const port = await new Promise<number>((resolve, reject) => {
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        const found = /ACCEPT 127\.0\.0\.1:(\d+)/.exec(said);
        if (found !== null) resolve(Number(found[1]));
      });
    server.on('exit', () => reject(new Error(said)));
  });
  return { port, end: () => void server.kill() };
}

test('a certificate that the gateway does not take is told in words, with the button that enrols', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'delvegate-refused-'));
  t.after(() => {
    fs.rmSync(directory, { recursive: true });
  });
  const ca = new Ca(directory, 'ca');
  const server = await serving(directory, ca, new Ca(directory, 'other'));
  t.after(server.end);
  const place: Place = { gateway: { host: 'localhost', port: server.port }, identity: ca.identity('alice') };
  const way = async () => ({ socket: await dial(place, 'delvegate/1'), gateway: place.gateway });
  const line = `localhost:${String(server.port)} refused your certificate: it does not know the CA that issued it; enrol again`;

  const told = new Told();
  new LinkStream(way, { component: 'app' }, told);
  await told.until(/^lost/);
  assert.deepEqual(told.all, [`lost certificate: ${line}`]);

  const response = await new Promise<DebugProtocol.ProtocolMessage>((resolve) => {
    const adapter = new Adapter((user) => new LinkStream(way, { component: 'app' }, user), {
      toEditor: resolve,
      refused: () => undefined,
      linkIs: () => undefined,
      link: (remedy) => `command:x.${remedy}`,
    });
    adapter.fromEditor({ seq: 1, type: 'request', command: 'initialize' } as DebugProtocol.Request);
  });
  const { error } = (response as DebugProtocol.Response).body as { error: DebugProtocol.Message };
  assert.deepEqual([error.format, error.url, error.urlLabel], [line, 'command:x.enroll', 'Enrol…']);
});
