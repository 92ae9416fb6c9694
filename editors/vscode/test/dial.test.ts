// The way to a gateway, and requests over it, against servers that a real gateway cannot be made to be.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import * as tls from 'node:tls';
import { after, test } from 'node:test';

import { dial, explain, secure, type Place } from '../src/core/dial.js';
import { ask, type Question, type Reply } from '../src/core/http.js';
import { Ca } from './support/certificates.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'delvegate-dial-'));
const ca = new Ca(directory, 'ca');
const otherCa = new Ca(directory, 'other');
const alice = ca.identity('alice');
const gateway = ca.issue('gateway', 'DNS:localhost');
const servers: net.Server[] = [];
after(() => {
  for (const one of servers) one.close();
  fs.rmSync(directory, { recursive: true });
});

function port(server: net.Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port)));
}

/** A server that keeps what it was told; `names` are of connections whose client certificate verified. */
async function serving(options: tls.TlsOptions = {}, answer?: (socket: tls.TLSSocket, request: string) => void) {
  const names: string[] = [];
  const heard: string[] = [];
  const server = tls.createServer({ ...gateway, ca: ca.pem, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['delvegate/1', 'http/1.1'], ...options }, (socket) => {
    names.push(String(socket.getPeerCertificate().subject.CN));
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      heard.push(bytes.toString());
      answer?.(socket, heard.join(''));
    });
  });
  server.on('tlsClientError', () => undefined);
  const place: Place = { gateway: { host: 'localhost', port: await port(server) }, identity: alice };
  return { place, names, heard };
}

test('both ends show a certificate, and the protocol is agreed upon', async () => {
  const { place } = await serving({}, (socket) => socket.end('x'));
  const socket = await dial(place, 'delvegate/1');
  assert.equal(socket.alpnProtocol, 'delvegate/1');
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  socket.destroy();
});

test('a gateway of another CA, or for another name, is told nothing', async () => {
  const strange = await serving(otherCa.issue('strange', 'DNS:localhost'));
  await assert.rejects(dial(strange.place, 'delvegate/1'), { kind: 'certificate', message: /was not issued by the CA of this context/ });
  const elsewhere = await serving(ca.issue('elsewhere', 'DNS:elsewhere.test'));
  await assert.rejects(dial(elsewhere.place, 'delvegate/1'), { kind: 'certificate', message: /is not for localhost; it is for DNS:elsewhere\.test/ });
  const expected = await serving();
  await assert.rejects(dial({ ...expected.place, serverName: 'elsewhere.test' }, 'delvegate/1'), { kind: 'certificate', message: /is not for elsewhere\.test/ });
  assert.deepEqual([...strange.heard, ...elsewhere.heard, ...expected.heard], []);
});

test('what speaks an older TLS, or no protocol of ours, is no gateway', async () => {
  const old = await serving({ maxVersion: 'TLSv1.2' });
  await assert.rejects(dial(old.place, 'delvegate/1'), { name: 'Trouble' });
  const lax = await serving({ maxVersion: 'TLSv1.2', requestCert: false, rejectUnauthorized: false });
  await assert.rejects(secure(lax.place.gateway, undefined, { rejectUnauthorized: false }, 5_000), { name: 'Trouble' });
  const web = await serving({ ALPNProtocols: [] });
  await assert.rejects(dial(web.place, 'delvegate/1'), { message: /speaks TLS, but is no delvegate gateway/ });
  const plain = await port(net.createServer((socket) => socket.end('SSH-2.0-x\r\n').on('error', () => undefined)));
  await assert.rejects(dial({ ...old.place, gateway: { host: 'localhost', port: plain } }, 'delvegate/1'), { kind: 'unreachable' });
});

test('what is silent is given up', async () => {
  const silent = await port(net.createServer((socket) => socket.on('error', () => undefined)));
  const { place } = await serving();
  await assert.rejects(dial({ ...place, gateway: { host: 'localhost', port: silent } }, 'delvegate/1', 50), { kind: 'unreachable', message: /does not answer the TLS handshake/ });
});

async function asked(answer: (socket: tls.TLSSocket) => void, question: Partial<Question> = {}): Promise<{ reply: Reply; heard: string[] }> {
  const { place, heard } = await serving({}, (socket, request) => {
    if (request.includes('\r\n\r\n')) answer(socket);
  });
  return { reply: await ask(await dial(place, 'http/1.1'), place.gateway, { method: 'GET', path: '/v1/status', ...question }), heard };
}

test('a request goes over the connection that was verified, and its answer is read whole', async () => {
  const { reply, heard } = await asked((socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnein'), { method: 'POST', body: { do: 'ask' } });
  assert.deepEqual(reply, { status: 403, body: 'nein' });
  assert.match(heard.join(''), /^POST \/v1\/status HTTP\/1\.1\r\n[^]*Content-Type: application\/json\r\n[^]*\r\n\r\n\{"do":"ask"\}$/);
});

test('lines are told as they come, and the rest is the body', async () => {
  const lines: string[] = [];
  const { reply } = await asked((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n{"a":1}\n\n{"b":2}\n{"c"'), { line: (text) => lines.push(text) });
  assert.deepEqual([lines, reply], [['{"a":1}', '{"b":2}'], { status: 200, body: '{"c"' }]);
});

test('an answer that is too large, broken off, not HTTP, or does not come is a trouble', async () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n';
  await assert.rejects(asked((socket) => socket.write(head + 'x'.repeat(1000)), { maxReply: 999 }), { kind: 'refused', message: /is too large/ });
  await assert.rejects(asked((socket) => socket.end(head + 'x')), { kind: 'unreachable' });
  await assert.rejects(asked((socket) => socket.end('SSH-2.0-x\r\n\r\n')), { name: 'Trouble' });
  await assert.rejects(asked(() => undefined, { silence: 50 }), { kind: 'unreachable', message: /no answer from localhost to \/v1\/status/ });
  await assert.rejects(asked((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const drip = setInterval(() => socket.write('X-A: b\r\n'), 5);
    socket.on('close', () => clearInterval(drip));
  }, { whole: 50 }), { kind: 'unreachable', message: /no answer from localhost/ });
});

test('an alert for our certificate is put into words', () => {
  const at = { host: 'h', port: 1 };
  for (const [code, words] of [['ERR_SSL_TLSV1_ALERT_CERTIFICATE_REVOKED', /it is revoked/], ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', /it has expired/], ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /does not know the CA/], ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /certificate required/]] as const) {
    const trouble = explain(Object.assign(new Error('x'), { code }), at);
    assert.equal(trouble.kind, 'certificate', code);
    assert.match(trouble.message, words);
  }
  assert.match(explain(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), at).message, /cannot resolve h/);
});
