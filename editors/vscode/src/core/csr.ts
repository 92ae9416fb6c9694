import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** A new key of this computer's with the request to sign it. */
export interface NewKey {
  privateKey: KeyObject;
  pem: string;
  spki: Buffer;
  csr: string; // PEM
}

/**
 * A P-256 key and its signing request (PKCS#10, RFC 2986). The request has no names: user and groups are what the token was made
 * for, whatever a request says. With a passphrase, `pem` is encrypted. Node makes keys and signatures in DER; what is left of PKCS#10 is a frame around them.
 */
export function newKey(passphrase?: string): NewKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const noName = der(0x30);
  const noAttributes = der(0xa0);
  const info = der(0x30, der(0x02, Buffer.from([0])), noName, spki, noAttributes);
  const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
  const noUnusedBits = Buffer.from([0]);
  const request = der(0x30, info, ecdsaWithSha256, der(0x03, noUnusedBits, sign('sha256', info, privateKey)));
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem', ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }) }).toString();
  return { privateKey, pem, spki, csr: armored('CERTIFICATE REQUEST', request) };
}

function der(tag: number, ...content: Buffer[]): Buffer {
  const all = Buffer.concat(content);
  const size = all.length < 0x80 ? [all.length] : all.length < 0x100 ? [0x81, all.length] : [0x82, all.length >> 8, all.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), all]);
}

function armored(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
