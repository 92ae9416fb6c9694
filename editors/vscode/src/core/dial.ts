import * as net from 'node:net';
import * as tls from 'node:tls';
import { X509Certificate } from 'node:crypto';

import { addressText, type HostPort } from './address.js';
import { certificates, type Identity } from './pem.js';
import { lineOf, printable, Trouble } from './trouble.js';

/** What docs/protocol.md calls them. */
export type Alpn = 'delvegate/1' | 'http/1.1';

export interface Place {
  gateway: HostPort;
  /** The name or address that the gateway's certificate must be for; otherwise the host. */
  serverName?: string;
  identity: Identity;
}

export const dialTime = 10_000; // milliseconds for all of it

/**
 * A TLS 1.3 connection with certificates on both sides: the gateway's is verified before this returns. TLS 1.3 tells a client
 * only later that its own certificate was refused: by an error of the socket, which `explain` puts into words.
 */
export function dial(place: Place, alpn: Alpn, time = dialTime): Promise<tls.TLSSocket> {
  const own = certificates(place.identity.certificate)[0];
  if (own !== undefined && new X509Certificate(own).validTo !== '' && Date.parse(new X509Certificate(own).validTo) <= Date.now())
    return Promise.reject(new Trouble('certificate', `your certificate expired on ${utc(new Date(new X509Certificate(own).validTo))}; enrol again`));
  const { certificate, key, ca } = place.identity;
  // A context of our own: VS Code puts the system's CAs into those that tls.connect makes by itself.
  let secureContext: tls.SecureContext;
  try {
    secureContext = tls.createSecureContext({
      cert: certificate,
      key: key.export({ type: 'pkcs8', format: 'pem' }),
      ca,
      minVersion: 'TLSv1.3',
    });
  } catch (error) {
    return Promise.reject(new Trouble('settings', `your certificate cannot be used: ${lineOf(error)}`));
  }
  return secure(place.gateway, place.serverName, { secureContext, ALPNProtocols: [alpn] }, time).then((socket) => {
    if (socket.alpnProtocol === alpn) return socket;
    socket.destroy();
    throw new Trouble('refused', `${addressText(place.gateway)} speaks TLS, but is no delvegate gateway`);
  });
}

/** `options` are those of tls.connect without place and name. Rejects with a Trouble. */
export function secure(
  where: HostPort,
  serverName: string | undefined,
  options: tls.ConnectionOptions,
  time: number,
): Promise<tls.TLSSocket> {
  const name = serverName ?? where.host;
  return new Promise((resolve, reject) => {
    const plain = net.connect({ host: where.host, port: where.port, noDelay: true });
    const socket = tls.connect({
      minVersion: 'TLSv1.3',
      rejectUnauthorized: true, // NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would be the default
      ...options,
      socket: plain,
      ...(net.isIP(name) === 0 ? { servername: name } : {}),
      checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
    });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      plain.destroy();
      reject(explain(error, where, name));
    };
    const timer = setTimeout(() => {
      fail(
        new Trouble(
          'unreachable',
          plain.connecting
            ? `no answer from ${addressText(where)} within ${String(time / 1000)} s: the host is down, or a firewall drops the port`
            : `${addressText(where)} does not answer the TLS handshake; is a delvegate gateway listening there?`,
        ),
      );
    }, time);
    plain.once('error', fail);
    socket.once('error', fail);
    // An error of the connection below, which tells more, may come right after it.
    const closed = (): void => void setImmediate(() => fail(new Trouble('unreachable', `${addressText(where)} closed the connection during the handshake`)));
    socket.once('close', closed);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('close', closed);
      // An error that nobody hears would end the extension host: until the caller listens, and below it.
      for (const one of [plain, socket]) one.on('error', () => undefined).off('error', fail);
      resolve(socket);
    });
  });
}

/** Why there is no connection, or no more: in a person's words. */
export function explain(error: unknown, where: HostPort, name: string = where.host): Trouble {
  if (error instanceof Trouble) return error;
  const at = addressText(where);
  const code = codeOf(error);
  switch (code) {
    case 'ECONNREFUSED':
      return new Trouble('unreachable', `${at} refused the connection: nothing listens there; is \`delvegate serve\` running, and is that its port?`);
    case 'ENOTFOUND':
      return new Trouble('unreachable', `cannot resolve ${where.host}: no such host; check the name, or give the gateway's address`);
    case 'EAI_AGAIN':
      return new Trouble('unreachable', `cannot resolve ${where.host}: the name servers do not answer; is this computer on the right network?`);
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return new Trouble('unreachable', `there is no way from here to ${at}: check network and VPN`);
    case 'ETIMEDOUT':
      return new Trouble('unreachable', `no answer from ${at}: the host is down, or a firewall drops the port`);
    case 'ERR_TLS_CERT_ALTNAME_INVALID': {
      const names = printable(/is not in the cert's altnames: (.*)$|cert's list: (.*)$/.exec(lineOf(error))?.[1] ?? '');
      return new Trouble('certificate', `the gateway's certificate is not for ${name}${names === '' ? '' : `; it is for ${names}`}`);
    }
    case 'CERT_HAS_EXPIRED':
      return new Trouble('certificate', `the gateway's certificate has expired, or this computer's clock is wrong`);
    case 'CERT_NOT_YET_VALID':
      return new Trouble('certificate', `the gateway's certificate is not valid yet; is this computer's clock right?`);
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return new Trouble('certificate', `the certificate of ${at} was not issued by the CA of this context: another gateway, or somebody in between`);
    case 'INVALID_PURPOSE':
      return new Trouble('certificate', `the certificate of ${at} is not that of a server`);
  }
  // An alert of the other end: its words for our certificate.
  const alert = /ALERT_([A-Z_]+)$/.exec(code)?.[1] ?? /alert ([a-z ]+)/.exec(lineOf(error))?.[1]?.toUpperCase().trim().replace(/ /g, '_');
  switch (alert) {
    case 'CERTIFICATE_EXPIRED':
      return new Trouble('certificate', `${at} refused your certificate: it has expired; enrol again`);
    case 'CERTIFICATE_REVOKED':
      return new Trouble('certificate', `${at} refused your certificate: it is revoked; ask the gateway's administrator`);
    case 'UNKNOWN_CA':
      return new Trouble('certificate', `${at} refused your certificate: it does not know the CA that issued it; enrol again`);
    case 'CERTIFICATE_REQUIRED':
    case 'BAD_CERTIFICATE':
    case 'UNSUPPORTED_CERTIFICATE':
    case 'CERTIFICATE_UNKNOWN':
    case 'ACCESS_DENIED':
      return new Trouble('certificate', `${at} refused your certificate (${alert.toLowerCase().replace(/_/g, ' ')}); enrol again`);
    case 'NO_APPLICATION_PROTOCOL':
      return new Trouble('refused', `${at} speaks TLS, but is no delvegate gateway`);
  }
  return new Trouble('unreachable', `the connection to ${at} broke: ${lineOf(error)}`);
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  // Of all addresses of a host the most telling failure: somebody was there and refused.
  if (Array.isArray(errors) && errors.some((one) => codeOf(one) === 'ECONNREFUSED')) return 'ECONNREFUSED';
  return typeof code === 'string' ? code : '';
}

/** "2026-11-26 14:03:11 UTC" */
export function utc(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ') + ' UTC';
}
