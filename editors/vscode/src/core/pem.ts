import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** A certificate chain with its key, and the CA that the gateway must have. */
export interface Identity {
  certificate: string; // PEM, the own certificate first
  key: KeyObject;
  ca: string; // PEM
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** The blocks of a PEM text whose label fits, in their order. */
export function blocks(text: string, label: RegExp): string[] {
  return Array.from(text.matchAll(block))
    .filter((one) => label.test(one[1] ?? ''))
    .map((one) => one[0] + '\n');
}

export const certificates = (text: string): string[] => blocks(text, /^CERTIFICATE$/);
export const keys = (text: string): string[] => blocks(text, /PRIVATE KEY$/);

export function encrypted(keyPem: string): boolean {
  return /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(keyPem);
}

/** Throws what OpenSSL says of a key that is damaged, or encrypted with another passphrase. */
export function readKey(keyPem: string, passphrase?: string): KeyObject {
  return createPrivateKey(passphrase === undefined ? { key: keyPem } : { key: keyPem, passphrase });
}

/** SHA-256 of the public key (SubjectPublicKeyInfo), as `delvegate token create` prints it. */
export function pinOf(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return 'sha256:' + createHash('sha256').update(spki).digest('hex');
}

/** The user of a certificate: its CN (or a spiffe:// name, which comes first), as docs/security.md has it. */
export function userOf(certificate: X509Certificate): string {
  const spiffe = /(?:^|, )URI:(spiffe:\/\/[^,]+)/.exec(certificate.subjectAltName ?? '');
  if (spiffe?.[1] !== undefined) return spiffe[1];
  const name = certificate.subject
    .split('\n')
    .filter((part) => part.startsWith('CN='))
    .pop();
  return name === undefined ? '' : name.slice(3);
}
