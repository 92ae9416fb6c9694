import { linkWindow, maxData } from './frames.js';

/** What one end says on a stream, kept until the other end has dealt with it: a link that goes on says it again. */
export class Outbox {
  private pieces: Buffer[] = [];
  private kept = 0;
  private ackedTo = 0;
  private sentTo = 0;

  get acked(): number {
    return this.ackedTo;
  }
  /** The offset of the next data frame. */
  get sent(): number {
    return this.sentTo;
  }
  /** Bytes that are in no frame yet. */
  get waiting(): number {
    return this.ackedTo + this.kept - this.sentTo;
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.pieces.push(bytes);
    this.kept += bytes.length;
  }

  /** The bytes of the next frame, as far as the window lets them; undefined: none now. */
  next(): Buffer | undefined {
    const size = Math.min(maxData, this.waiting, linkWindow - (this.sentTo - this.ackedTo));
    if (size <= 0) return undefined;
    let skip = this.sentTo - this.ackedTo;
    const parts: Buffer[] = [];
    let left = size;
    for (const piece of this.pieces) {
      if (skip >= piece.length) {
        skip -= piece.length;
        continue;
      }
      const part = piece.subarray(skip, skip + left);
      skip = 0;
      parts.push(part);
      left -= part.length;
      if (left === 0) break;
    }
    this.sentTo += size;
    return Buffer.concat(parts);
  }

  /** False: that was never sent, or is less than was acknowledged already. */
  acknowledge(offset: number): boolean {
    if (offset < this.ackedTo || offset > this.sentTo) return false;
    let drop = offset - this.ackedTo;
    this.ackedTo = offset;
    this.kept -= drop;
    while (drop > 0) {
      const first = this.pieces[0];
      if (first === undefined) break;
      if (first.length <= drop) {
        drop -= first.length;
        this.pieces.shift();
      } else {
        this.pieces[0] = first.subarray(drop);
        drop = 0;
      }
    }
    return true;
  }

  /** On a new connection, what the other end has not received is said again. False: it cannot have received that. */
  resumeAt(received: number): boolean {
    if (!this.acknowledge(received)) return false;
    this.sentTo = received;
    return true;
  }

  /** A stream that the other end never saw begins anew. */
  restart(): void {
    this.sentTo = this.ackedTo;
  }
}
