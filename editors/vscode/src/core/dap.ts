import type { DebugProtocol } from '@vscode/debugprotocol';

import { Trouble } from './trouble.js';

const separator = Buffer.from('\r\n\r\n');
const maxHeader = 4096;
const maxMessage = 256 * 1024 * 1024;

export function encodeMessage(message: DebugProtocol.ProtocolMessage): Buffer {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  return Buffer.concat([Buffer.from(`Content-Length: ${String(body.length)}\r\n\r\n`, 'ascii'), body]);
}

/** Cuts what comes into messages of the Debug Adapter Protocol. Throws a Trouble for what is none. */
export class MessageDecoder {
  private pieces: Buffer[] = [];
  private size = 0;
  private wanted: number | undefined; // bytes of the message whose header is read

  feed(bytes: Buffer): DebugProtocol.ProtocolMessage[] {
    this.pieces.push(bytes);
    this.size += bytes.length;
    const messages: DebugProtocol.ProtocolMessage[] = [];
    for (;;) {
      if (this.wanted === undefined) {
        const all = this.joined();
        const end = all.indexOf(separator);
        if (end < 0 && all.length <= maxHeader) return messages;
        if (end < 0 || end > maxHeader) throw new Trouble('refused', 'a debug message without a header');
        this.wanted = contentLength(all.toString('latin1', 0, end));
        this.keep(all.subarray(end + separator.length));
      }
      if (this.size < this.wanted) return messages;
      const all = this.joined();
      messages.push(parse(all.subarray(0, this.wanted)));
      this.keep(all.subarray(this.wanted));
      this.wanted = undefined;
    }
  }

  private joined(): Buffer {
    const [first] = this.pieces;
    if (this.pieces.length === 1 && first !== undefined) return first;
    const all = Buffer.concat(this.pieces);
    this.pieces = [all];
    return all;
  }

  private keep(rest: Buffer): void {
    this.pieces = rest.length === 0 ? [] : [rest];
    this.size = rest.length;
  }
}

function contentLength(header: string): number {
  const lengths = header
    .split('\r\n')
    .map((line) => /^content-length: *([0-9]{1,10})$/i.exec(line)?.[1])
    .filter((found) => found !== undefined);
  const [only] = lengths;
  if (only === undefined || lengths.length !== 1) throw new Trouble('refused', 'a debug message without one length');
  const length = Number(only);
  if (length > maxMessage) throw new Trouble('refused', 'a debug message that is too large');
  return length;
}

function parse(body: Buffer): DebugProtocol.ProtocolMessage {
  let message: unknown;
  try {
    message = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Trouble('refused', 'a debug message that is not JSON');
  }
  if (typeof message !== 'object' || message === null || typeof (message as { type?: unknown }).type !== 'string')
    throw new Trouble('refused', 'a debug message without a type');
  return message as DebugProtocol.ProtocolMessage;
}
