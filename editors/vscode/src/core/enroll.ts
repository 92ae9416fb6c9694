import { createHash, sign, X509Certificate, type KeyObject } from 'node:crypto';
import * as tls from 'node:tls';

import { addressText, parseGateway, type HostPort } from './address.js';
import { goodName, type ContextStore } from './contexts.js';
import { newKey } from './csr.js';
import { dial, dialTime, explain, secure, utc, type Place } from './dial.js';
import { ask, type Reply } from './http.js';
import { nameAfter, type NameGiver } from './naming.js';
import { certificates, pinOf, userOf } from './pem.js';
import { printable, Trouble } from './trouble.js';

export interface Invitation {
  gateway: HostPort; // of its enrolment port
  pin: string;
  token?: string;
  context?: string; // what it is to be called here
  via?: string;
}

const usualEnrollPort = 7444;
const usualPort = 7443;

/** The line of `delvegate token create`: delvegate enroll HOST:PORT --ca-pin sha256:… <<< 'TOKEN', with a --context or --via that somebody has put in. */
export function readInvitation(line: string): Invitation | undefined {
  const words = line.trim().split(/\s+/).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
  const at = words.indexOf('enroll');
  const gateway = parseGateway(words[at + 1] ?? '', usualEnrollPort);
  if (at < 0 || gateway === undefined || gateway.host.startsWith('-')) return undefined;
  const option = (name: string): string | undefined => {
    const flag = words.findIndex((word) => word === name || word.startsWith(name + '='));
    return words[flag] === name ? words[flag + 1] : words[flag]?.slice(name.length + 1);
  };
  const pin = option('--ca-pin');
  if (pin === undefined || !goodPin(pin)) return undefined;
  const context = option('--context');
  const via = option('--via');
  const here = words.indexOf('<<<');
  const token = here < 0 ? undefined : words[here + 1];
  return { gateway, pin: pin.toLowerCase(), ...(token === undefined ? {} : { token }), ...(context === undefined ? {} : { context }), ...(via === undefined || via === 'direct' ? {} : { via }) };
}

/** Why a line cannot be used here; undefined: it can. */
export function faultOfInvitation(line: string): string | undefined {
  const invitation = readInvitation(line);
  if (invitation === undefined) return 'It has the form: delvegate enroll HOST:PORT --ca-pin sha256:…';
  if (invitation.via !== undefined) return `That gateway is reached by ${invitation.via}, which only \`delvegate enroll\` and \`delvegate connect\` can`;
  return invitation.context === undefined || goodName(invitation.context) ? undefined : `A context is named by 1 to 64 letters, digits, hyphens, dots and underscores; not "${invitation.context}"`;
}

export const goodPin = (pin: string): boolean => /^sha256:[0-9a-f]{64}$/i.test(pin);
export const goodToken = (token: string): boolean => /^[!-~]{1,256}$/.test(token);

export interface Enrolled {
  context: string;
  user: string;
  notAfter: Date;
  /** Why it is not the current one of `delvegate`, although it is stored. */
  notCurrent?: string;
}

/**
 * A one-time token becomes a certificate and a context, as `delvegate enroll` does it. The key is made here and stays here; of the
 * gateway nothing is believed, and to it nothing is said, until it has shown the CA of the pin and verifies against it. A failure
 * leaves nothing behind. `name` is that of naming.ts, whose other half is asked with `person` where the name turns out to be taken.
 */
export async function enroll(store: ContextStore, invitation: Invitation & { token: string }, name: string, person: Pick<NameGiver, 'name'>): Promise<Enrolled> {
  if (!goodName(name)) throw new Trouble('settings', `a context is named by 1 to 64 letters, digits, hyphens, dots and underscores; not "${name}"`);
  if (!goodPin(invitation.pin)) throw new Trouble('settings', 'a CA pin is sha256: and 64 hex digits, as `delvegate token create` prints it');
  if (!goodToken(invitation.token)) throw new Trouble('settings', 'that is no token: 1 to 256 visible characters, as `delvegate token create` prints it');
  const place = store.begin();
  try {
    const pair = newKey();
    const ca = await pinnedCa(invitation);
    const socket = await secure(invitation.gateway, undefined, { secureContext: tls.createSecureContext({ ca, minVersion: 'TLSv1.3' }), ALPNProtocols: ['http/1.1'], ...partialChain }, dialTime);
    const reply = await ask(socket, invitation.gateway, { method: 'POST', path: '/v1/enroll', body: { token: invitation.token, csr: pair.csr }, maxReply: 256 * 1024 });
    const issued = readIssued(reply, addressText(invitation.gateway), pair.privateKey);
    const gateway = { host: invitation.gateway.host, port: issued.port ?? usualPort };
    const context = await nameAfter(store, name, { gateway, user: issued.user }, person);
    const notCurrent = place.commit({ name: context, gateway, renewUntil: issued.renewUntil }, issued.certificate + pair.pem, ca);
    return { context, user: issued.user, notAfter: issued.notAfter, ...(notCurrent === undefined ? {} : { notCurrent }) };
  } finally {
    place.dispose();
  }
}

/** A new certificate by the old one (docs/certificates.md, Renewal); the text of client.pem. The new key has the old one's `passphrase`. */
export async function renew(place: Place, passphrase?: string): Promise<string> {
  const pair = newKey(passphrase);
  const old = place.identity.key;
  const proof = sign(old.asymmetricKeyType === 'ed25519' ? null : 'sha256', Buffer.concat([Buffer.from('delvegate-renew-v1\0'), pair.spki]), old);
  const socket = await dial(place, 'http/1.1');
  const reply = await ask(socket, place.gateway, { method: 'POST', path: '/v1/renew', body: { csr: pair.csr, proof: proof.toString('base64') }, maxReply: 256 * 1024 });
  return readIssued(reply, addressText(place.gateway), pair.privateKey).certificate + pair.pem;
}

/**
 * Whether it is time to renew a certificate of that life. `delvegate connect` renews at two thirds and up to a twentieth later;
 * `chance` (0 to 1) spreads those that have only us, after that.
 */
export function renewalIsDue(since: Date, notAfter: Date, renewUntil: number, chance: number, now = new Date()): boolean {
  if (now >= notAfter) return false; // too late: enrol again
  if (!renewable(notAfter, renewUntil, now)) return false;
  const life = notAfter.getTime() - since.getTime();
  return now.getTime() >= since.getTime() + life * (0.73 + 0.1 * chance);
}

/** Whether a renewal would give one that ends later. */
export function renewable(notAfter: Date, renewUntil: number, now: Date): boolean {
  return renewUntil <= 0 || (now.getTime() / 1000 < renewUntil && notAfter.getTime() / 1000 < renewUntil);
}

// --- the gateway, before it is known ---

// Where Node knows it, the pinned CA need not be the root of all.
const partialChain = { allowPartialTrustChain: true } as tls.ConnectionOptions;

// A first connection says nothing but TLS's own hello, and shows which CA there is. Whether the gateway really has it is for the
// second one to verify, with that CA for its only root.
async function pinnedCa(invitation: Invitation): Promise<string> {
  const { gateway, pin } = invitation;
  const socket = await secure(gateway, undefined, { rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, dialTime).catch((error: unknown) => {
    const why = explain(error, gateway);
    if (why.message.includes('refused the connection'))
      throw new Trouble('unreachable', `${addressText(gateway)} refused the connection: enrolment is open only while a token is live; have one made with \`delvegate token create\`, or check the port`);
    throw why;
  });
  try {
    let seen: string | undefined;
    for (const one of chainOf(socket)) {
      if (!one.ca) continue;
      seen = pinOf(one);
      if (seen === pin.toLowerCase()) return one.toString();
    }
    throw new Trouble(
      'certificate',
      (seen === undefined ? `the gateway showed no CA certificate, so the pin ${pin} cannot be checked` : `the gateway's CA has the pin ${seen}, not ${pin}`) +
        '; nothing was sent to it; is this the right host and port, and a pin of this gateway?',
    );
  } finally {
    socket.destroy();
  }
}

function chainOf(socket: tls.TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  let one: Partial<tls.DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  while (one !== undefined && Buffer.isBuffer(one.raw)) {
    const print = createHash('sha256').update(one.raw).digest('hex');
    if (seen.has(print)) break;
    seen.add(print);
    chain.push(new X509Certificate(one.raw));
    one = one.issuerCertificate;
  }
  return chain;
}

// --- answers ---

interface Issued {
  certificate: string;
  user: string;
  notAfter: Date;
  renewUntil: number;
  port?: number;
}

export function readIssued(reply: Reply, asked: string, key: KeyObject): Issued {
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(reply.body);
    if (typeof parsed === 'object' && parsed !== null) body = parsed as Record<string, unknown>;
  } catch {
    // Not JSON: said below.
  }
  if (reply.status !== 200) throw refused(reply.status, body, asked);
  const chain = certificates(typeof body.certificate === 'string' ? body.certificate : '');
  const [own] = chain;
  if (own === undefined) throw new Trouble('refused', "the gateway's answer has no certificate; is it another version?");
  const certificate = new X509Certificate(own);
  if (!certificate.checkPrivateKey(key)) throw new Trouble('refused', "the gateway's answer has a certificate of another key; it is not used");
  const from = new Date(certificate.validFrom);
  const to = new Date(certificate.validTo);
  const clock = `, and this computer's clock says ${utc(new Date())}; set the clock right and try again`;
  if (from > new Date()) throw new Trouble('settings', `the new certificate is not valid before ${utc(from)}${clock}`);
  if (to <= new Date()) throw new Trouble('settings', `the new certificate is valid until ${utc(to)}${clock}`);
  const port = typeof body.port === 'number' && Number.isInteger(body.port) && body.port > 0 && body.port < 65536 ? body.port : undefined;
  return {
    certificate: chain.join(''),
    user: printable(userOf(certificate)),
    notAfter: to,
    renewUntil: typeof body.renewUntil === 'number' ? body.renewUntil : 0,
    ...(port === undefined ? {} : { port }),
  };
}

function refused(status: number, body: Record<string, unknown>, asked: string): Trouble {
  const reason = typeof body.error === 'string' ? body.error : '';
  if (body.code === 'token-unknown')
    return new Trouble('refused', 'the gateway refused the token: it is unknown, used, withdrawn or expired; have a new one made with `delvegate token create`', 'token-unknown');
  if (body.code === 'rate-limited') return new Trouble('refused', `the gateway refuses further attempts for now: ${reason}; wait a minute`, 'rate-limited');
  if (reason !== '') return new Trouble('refused', `the gateway refused: ${reason}`, typeof body.code === 'string' ? body.code : undefined);
  return new Trouble('refused', `${asked} does not do that (HTTP ${String(status)}); is it the port, and the version, meant?`);
}
