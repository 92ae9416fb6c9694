import type { Duplex } from 'node:stream';

import { explain } from './dial.js';
import { FrameDecoder, FrameType, dataOf, encodeControl, encodeFrame, encodeOffset, linkWindow, readControl, readOffset, type Frame } from './frames.js';
import { Outbox } from './outbox.js';
import { placeOf, text, usualTimes, type LinkTimes, type StreamRequest, type StreamUser, type Verdict, type Way } from './stream.js';
import { lineOf, printable, Trouble } from './trouble.js';

const silentPings = 3;
const marginSeconds = 5; // a gateway's last second may still be a yes

/**
 * One debug stream over a link of its own (docs/protocol.md). When the link breaks it is dialled again, and both ends go on at the
 * byte where they stopped, for as long as the gateway keeps its end.
 */
export class LinkStream {
  private readonly times: LinkTimes;
  private readonly out = new Outbox();
  private socket: Duplex | undefined;
  private decoder = new FrameDecoder();
  private id = 1;
  private token = '';
  private keepSeconds = 0;
  private received = 0;
  private granted = 0; // the last ack we sent
  private greeted = false; // on this connection: the gateway's hello has come
  private going = false; // on this connection: data may be sent
  private decided = false;
  private endWanted = false;
  private endSent = false;
  private peerEnded = false;
  private over = false;
  private heard = true;
  private silent = 0;
  private goodbye: Trouble | undefined;
  private brokenSince: number | undefined;
  private pause: number;
  private retry: NodeJS.Timeout | undefined;
  private answer: NodeJS.Timeout | undefined;
  private pings: NodeJS.Timeout | undefined;

  constructor(
    private readonly dial: () => Promise<Way>,
    private readonly request: StreamRequest,
    private readonly user: StreamUser,
    times: Partial<LinkTimes> = {},
  ) {
    this.times = { ...usualTimes, ...times };
    this.pause = this.times.firstPause;
    this.connect();
  }

  send(bytes: Buffer): void {
    if (this.over || this.endWanted) return;
    this.out.push(bytes);
    this.pump();
  }

  /** Nothing more will be said; what was said is executed still. */
  end(): void {
    if (this.over || this.endWanted) return;
    this.endWanted = true;
    // While a link is down the gateway keeps the session: it is told as soon as there is one again.
    if (this.socket === undefined && this.brokenSince === undefined) return this.finish();
    this.pump();
  }

  /** Both directions end at once. */
  abort(reason: string): void {
    if (this.over) return;
    if (this.greeted) this.put(encodeControl(FrameType.reset, this.id, { reason }));
    this.finish();
  }

  // --- the connection ---

  private connect(): void {
    this.dial().then(
      (way) => {
        if (this.over) way.socket.destroy();
        else this.begin(way);
      },
      (error: unknown) => {
        this.down(error instanceof Trouble ? error : new Trouble('unreachable', lineOf(error)));
      },
    );
  }

  private begin({ socket, gateway }: Way): void {
    this.socket = socket;
    this.decoder = new FrameDecoder();
    this.greeted = this.going = false;
    this.heard = true;
    this.silent = 0;
    socket.on('data', (bytes: Buffer) => {
      if (this.socket === socket) this.feed(bytes);
    });
    socket.on('error', (error: unknown) => {
      // In TLS 1.3 that is how a gateway refuses our certificate, too.
      if (this.socket === socket) this.down(explain(error, gateway));
    });
    socket.on('close', () => {
      if (this.socket === socket) this.down(new Trouble('unreachable', 'the gateway closed the connection'));
    });
    this.put(encodeControl(FrameType.hello, 0, { version: 1, agent: 'delvegate-vscode/0.1.0', promptAcks: true, resumes: true }));
    if (this.brokenSince === undefined) this.open();
    else {
      const place = { stream: this.id, received: this.received, ...(this.peerEnded ? { ended: true } : {}), ...(this.decided ? {} : { undecided: true }) };
      this.put(encodeControl(FrameType.resume, 0, { link: this.token, streams: [place] }));
    }
    this.expectAnswer();
    clearInterval(this.pings);
    this.pings = setInterval(() => {
      this.tick();
    }, this.times.ping);
  }

  private open(): void {
    this.put(encodeControl(FrameType.open, this.id, this.request));
    this.going = true;
    this.pump();
  }

  private feed(bytes: Buffer): void {
    this.heard = true;
    try {
      for (const frame of this.decoder.feed(bytes)) {
        if (this.over) return;
        this.dispatch(frame);
      }
    } catch (error) {
      this.fail(new Trouble('refused', `the gateway breaks the protocol of the link: ${lineOf(error)}`));
    }
  }

  private dispatch(frame: Frame): void {
    if (!this.greeted && frame.type !== FrameType.hello && frame.type !== FrameType.goaway) throw new Error('its first frame is no hello');
    switch (frame.type) {
      case FrameType.hello:
        this.onHello(readControl(frame));
        return;
      case FrameType.resumed:
        this.onResumed(readControl(frame));
        return;
      case FrameType.ping:
        this.put(encodeFrame(FrameType.pong, 0, frame.payload));
        return;
      case FrameType.pong:
      case FrameType.components:
        return;
      case FrameType.goaway: {
        const body = readControl(frame);
        this.goodbye = new Trouble('refused', text(body.reason) || 'the gateway is going away', text(body.code) || 'goaway');
        return;
      }
    }
    if (frame.stream !== this.id) return;
    switch (frame.type) {
      case FrameType.verdict:
        this.onVerdict(readControl(frame));
        return;
      case FrameType.data:
        this.onData(frame);
        return;
      case FrameType.ack:
        this.onAck(readOffset(frame));
        return;
      case FrameType.end:
        this.onEnd(readOffset(frame));
        return;
      case FrameType.reset:
        this.fail(new Trouble('refused', text(readControl(frame).reason) || 'the gateway ended the session'));
        return;
      case FrameType.notice:
        this.user.noticed(text(readControl(frame).text));
        return;
      default:
        throw new Error('a frame that has no place here');
    }
  }

  private onHello(body: Record<string, unknown>): void {
    if (body.version !== 1)
      return this.fail(new Trouble('refused', `the gateway speaks another version of the link (${printable(String(body.version))}); use an extension of the same release`));
    this.greeted = true;
    if (this.brokenSince !== undefined) return; // the name stays the same for the next time
    this.token = typeof body.link === 'string' && body.link.length <= 128 ? body.link : '';
    this.keepSeconds = typeof body.keepSeconds === 'number' ? Math.min(Math.max(body.keepSeconds, 0), 24 * 3600) : 0;
  }

  private onResumed(body: Record<string, unknown>): void {
    if (this.brokenSince === undefined) throw new Error('it goes on with a link that did not break');
    if (body.ok !== true) return this.fail(new Trouble('unreachable', text(body.reason) || 'the gateway does not go on with the session'));
    const place = placeOf(body.streams, this.id);
    this.brokenSince = undefined;
    this.pause = this.times.firstPause;
    if (place === undefined) {
      if (this.decided) return this.fail(new Trouble('unreachable', 'the gateway has given the session up'));
      // OPEN never came: once more, by another number.
      this.id += 2;
      this.out.restart();
      this.user.linkIs(true, '');
      return this.open();
    }
    if (place.reset !== undefined) return this.fail(new Trouble('refused', printable(place.reset)));
    if (!this.out.resumeAt(place.received)) throw new Error('it has received what was never sent');
    if (!this.peerEnded) this.acknowledge(true);
    this.endSent = place.ended;
    this.going = true;
    clearTimeout(this.answer);
    if (!this.decided) this.expectAnswer();
    this.user.linkIs(true, '');
    this.pump();
  }

  private onVerdict(body: Record<string, unknown>): void {
    if (this.decided) return;
    this.decided = true;
    clearTimeout(this.answer);
    const verdict: Verdict = {
      ok: body.ok === true,
      code: text(body.code),
      reason: text(body.reason) || (body.ok === true ? '' : `the gateway refused the session: ${text(body.code)}`),
      component: text(body.component),
      session: text(body.session),
      stop: text(body.stop),
    };
    if (!verdict.ok) this.finish();
    this.user.decided(verdict);
  }

  private onData(frame: Frame): void {
    if (this.peerEnded) throw new Error('data behind the end of a stream');
    if (readOffset(frame) !== this.received) throw new Error('data at the wrong offset');
    const bytes = dataOf(frame);
    this.received += bytes.length;
    // A copy: what the user keeps must not keep all that came with it.
    this.user.received(Buffer.from(bytes));
    if (this.received - this.granted >= linkWindow / 4) this.acknowledge();
  }

  private onAck(offset: number): void {
    if (this.token !== '' && this.endSent && offset === this.out.sent + 1) {
      this.out.acknowledge(this.out.sent);
      return this.settle(true);
    }
    if (!this.out.acknowledge(offset)) throw new Error('an ack of what was never sent');
    this.pump();
  }

  private onEnd(offset: number): void {
    if (this.peerEnded || offset !== this.received) throw new Error('an end at the wrong offset');
    this.peerEnded = true;
    if (this.token !== '') this.put(encodeOffset(FrameType.ack, this.id, this.received + 1));
    this.endWanted = true;
    this.pump();
    this.user.closed();
    this.settle(this.token === '');
  }

  // --- sending ---

  private put(bytes: Buffer): void {
    this.socket?.write(bytes);
  }

  // Whoever says something says as well what it has heard, and before it.
  private acknowledge(always = false): void {
    if (this.peerEnded || (!always && this.granted === this.received)) return;
    this.granted = this.received;
    this.put(encodeOffset(FrameType.ack, this.id, this.granted));
  }

  private pump(): void {
    if (!this.going || this.over) return;
    for (let bytes = this.out.next(); bytes !== undefined; bytes = this.out.next()) {
      this.acknowledge();
      this.put(encodeOffset(FrameType.data, this.id, this.out.sent - bytes.length, bytes));
    }
    if (!this.endWanted || this.endSent || this.out.waiting > 0) return;
    this.endSent = true;
    this.put(encodeOffset(FrameType.end, this.id, this.out.sent));
    if (this.peerEnded) return this.settle(false);
    // Its answer is an end of its own; one that never comes is not waited for.
    clearTimeout(this.answer);
    this.answer = setTimeout(() => {
      this.finish();
    }, this.times.answer);
  }

  // Both ends have said all: the connection can go once the gateway has it.
  private settle(acknowledged: boolean): void {
    if (!this.endSent || !this.peerEnded || this.over) return;
    if (acknowledged) return this.finish();
    clearTimeout(this.answer);
    this.answer = setTimeout(() => {
      this.finish();
    }, this.times.goodbye);
  }

  // --- time ---

  private expectAnswer(): void {
    clearTimeout(this.answer);
    this.answer = setTimeout(() => {
      this.down(new Trouble('unreachable', 'the gateway does not answer'));
    }, this.times.answer);
  }

  private tick(): void {
    this.acknowledge();
    if (this.heard) {
      this.heard = false;
      this.silent = 0;
      return;
    }
    if (++this.silent > silentPings) return this.down(new Trouble('unreachable', 'the gateway fell silent'));
    this.put(encodeFrame(FrameType.ping, 0, Buffer.from('delvgate')));
  }

  // --- the end ---

  /** There is no connection, for now or for good. */
  private down(why: Trouble): void {
    if (this.over) return;
    const was = this.socket;
    this.socket = undefined;
    this.greeted = this.going = false;
    was?.destroy();
    clearTimeout(this.answer);
    clearInterval(this.pings);
    if (this.goodbye !== undefined) return this.fail(this.goodbye);
    if (this.peerEnded || (this.endSent && this.out.acked === this.out.sent)) return this.fail(why);
    // A certificate that is not taken, or no gateway: waiting mends nothing, unless it was good a moment ago.
    if (this.token === '' || this.keepSeconds === 0) return this.fail(why);
    this.brokenSince ??= Date.now();
    if (Date.now() - this.brokenSince > (this.keepSeconds + marginSeconds) * 1000)
      return this.fail(new Trouble('unreachable', `there was no way back to the gateway within ${String(this.keepSeconds)} s: ${why.message}`));
    this.user.linkIs(false, why.message);
    this.retry = setTimeout(() => {
      this.connect();
    }, this.pause);
    this.pause = Math.min(this.pause * 2, this.times.longestPause);
  }

  private fail(why: Trouble): void {
    if (this.over) return;
    this.finish();
    if (!this.peerEnded) this.user.lost(why); // otherwise it has heard closed()
  }

  private finish(): void {
    this.over = true;
    clearTimeout(this.retry);
    clearTimeout(this.answer);
    clearInterval(this.pings);
    const socket = this.socket;
    this.socket = undefined;
    if (socket === undefined) return;
    socket.end();
    // One that does not take our goodbye is not waited for.
    const patience = setTimeout(() => {
      socket.destroy();
    }, this.times.goodbye);
    socket.once('close', () => {
      clearTimeout(patience);
    });
    socket.resume();
  }
}
