import { Trouble } from './trouble.js';

/** The frames of ALPN `delvegate/1`: docs/protocol.md. */
export enum FrameType {
  hello = 1,
  open = 2,
  verdict = 3,
  data = 4,
  ack = 5,
  end = 6,
  reset = 7,
  ping = 8,
  pong = 9,
  goaway = 10,
  list = 11,
  components = 12,
  resume = 13,
  resumed = 14,
  notice = 15,
}

export interface Frame {
  type: FrameType;
  stream: number;
  payload: Buffer;
}

const headerSize = 12;
const offsetSize = 8;
const maxControl = 64 * 1024;
const maxPayload = 256 * 1024 + offsetSize; // of data, and of what names all streams of a link
export const maxData = 64 * 1024; // of what we send in one frame
/** Unacknowledged bytes of a stream in one direction. */
export const linkWindow = 1024 * 1024;

export function encodeFrame(type: FrameType, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(headerSize);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(stream, 4);
  header.writeUInt32BE(payload.length, 8);
  return Buffer.concat([header, payload]);
}

export function encodeControl(type: FrameType, stream: number, body: object): Buffer {
  return encodeFrame(type, stream, Buffer.from(JSON.stringify(body), 'utf8'));
}

export function encodeOffset(type: FrameType, stream: number, offset: number, bytes?: Buffer): Buffer {
  const payload = Buffer.alloc(offsetSize);
  payload.writeBigUInt64BE(BigInt(offset));
  return encodeFrame(type, stream, bytes === undefined ? payload : Buffer.concat([payload, bytes]));
}

export function readOffset(frame: Frame): number {
  if (frame.payload.length < offsetSize) throw new Trouble('refused', 'a frame without its offset');
  const offset = frame.payload.readBigUInt64BE();
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new Trouble('refused', 'an offset beyond all bounds');
  return Number(offset);
}

/** The bytes of a data frame. */
export const dataOf = (frame: Frame): Buffer => frame.payload.subarray(offsetSize);

export function readControl(frame: Frame): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(frame.payload));
  } catch {
    throw new Trouble('refused', 'a control frame that is not JSON');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Trouble('refused', 'a control frame that is no object');
  return body as Record<string, unknown>;
}

/** Cuts what comes into frames. Throws a Trouble for what is none; there is no going on after that. */
export class FrameDecoder {
  private pieces: Buffer[] = [];
  private size = 0;

  feed(bytes: Buffer): Frame[] {
    this.pieces.push(bytes);
    this.size += bytes.length;
    const frames: Frame[] = [];
    for (;;) {
      if (this.size < headerSize) return frames;
      const header = this.whole(headerSize);
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- whether it is one is looked at below
      const type = header.readUInt8(0) as FrameType;
      const length = header.readUInt32BE(8);
      const wide = type === FrameType.data || type === FrameType.resume || type === FrameType.resumed;
      if (!(type in FrameType) || header.readUIntBE(1, 3) !== 0) throw new Trouble('refused', 'a frame of an unknown kind');
      if (length > (wide ? maxPayload : maxControl)) throw new Trouble('refused', 'a frame that is too large');
      if (this.size < headerSize + length) return frames;
      const all = this.whole(headerSize + length);
      frames.push({ type: type, stream: header.readUInt32BE(4), payload: all.subarray(headerSize, headerSize + length) });
      this.drop(all, headerSize + length);
    }
  }

  // One buffer that begins with what is waiting, and has at least `most` bytes.
  private whole(most: number): Buffer {
    const first = this.pieces[0];
    if (first !== undefined && first.length >= most) return first;
    const all = Buffer.concat(this.pieces);
    this.pieces = [all];
    return all;
  }

  private drop(all: Buffer, bytes: number): void {
    this.size -= bytes;
    if (all.length === bytes) this.pieces.shift();
    else this.pieces[0] = all.subarray(bytes);
  }
}
