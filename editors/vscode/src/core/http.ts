import * as http from 'node:http';
import type { TLSSocket } from 'node:tls';

import { explain } from './dial.js';
import type { HostPort } from './address.js';
import { Trouble } from './trouble.js';

export interface Question {
  method: 'GET' | 'POST';
  path: string;
  body?: object;
  /** Milliseconds in which a byte must come. */
  silence?: number;
  /** Milliseconds in which all of an answer that is not in lines must come: one that drips would hold up whoever waits. */
  whole?: number;
  maxReply?: number;
  /** Called with each line of an answer in lines (application/x-ndjson). */
  line?: (text: string) => void;
}

export interface Reply {
  status: number;
  body: string; // without `line`, all of it
}

/** One request over a connection that is verified already; the connection is closed after it. */
export function ask(socket: TLSSocket, where: HostPort, question: Question): Promise<Reply> {
  const limit = question.maxReply ?? 4 * 1024 * 1024;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      clearTimeout(patience);
      socket.destroy();
      reject(explain(error, where));
    };
    socket.setTimeout(question.silence ?? 15_000, () => {
      fail(new Trouble('unreachable', `no answer from ${where.host} to ${question.path}`));
    });
    const patience = question.line === undefined ? setTimeout(() => fail(new Trouble('unreachable', `no answer from ${where.host} to ${question.path}`)), question.whole ?? 60_000) : undefined;
    const body = question.body === undefined ? undefined : JSON.stringify(question.body);
    // Not http.request, which VS Code replaces by one that goes through its proxies: this one goes through its socket.
    const request = new http.ClientRequest({
      createConnection: () => socket,
      method: question.method,
      path: question.path,
      headers: {
        Host: where.host,
        Connection: 'close',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }),
        ...(question.method === 'POST' && body === undefined ? { 'Content-Length': '0' } : {}),
      },
    });
    request.on('error', fail);
    request.on('response', (response) => {
      const inLines = question.line !== undefined && /^application\/x-ndjson\b/.test(response.headers['content-type'] ?? '');
      let text = '';
      let size = 0;
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        size += piece.length;
        if (size > limit) return fail(new Trouble('refused', `the answer of ${where.host} to ${question.path} is too large`));
        text += piece;
        if (!inLines) return;
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) if (line.trim() !== '') question.line?.(line);
      });
      response.on('error', fail);
      response.on('aborted', () => {
        fail(new Trouble('unreachable', `the answer of ${where.host} to ${question.path} broke off`));
      });
      response.on('end', () => {
        clearTimeout(patience);
        socket.destroy();
        resolve({ status: response.statusCode ?? 0, body: text });
      });
    });
    request.end(body);
  });
}
