import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import type { Identity } from '../../src/core/pem.js';

export const opensslProgram = process.env.DELVEGATE_OPENSSL ?? 'openssl';
const openssl = (...words: string[]) => execFileSync(opensslProgram, words, { stdio: ['ignore', 'pipe', 'pipe'] });

/** A CA with what it issues, made by openssl. */
export class Ca {
  constructor(
    private readonly directory: string,
    private readonly name: string,
  ) {
    this.make(name, '-subj', `/CN=${name}`);
  }

  get pem(): string {
    return this.read(`${this.name}.crt`);
  }

  /** Key and certificate in PEM. */
  issue(name: string, subjectAltName: string): { key: string; cert: string } {
    const from = ['-CA', this.file(`${this.name}.crt`), '-CAkey', this.file(`${this.name}.key`)];
    this.make(name, '-subj', `/CN=${name}`, ...from, '-addext', `subjectAltName=${subjectAltName}`, '-addext', 'basicConstraints=critical,CA:FALSE');
    return { key: this.read(`${name}.key`), cert: this.read(`${name}.crt`) };
  }

  identity(name: string): Identity {
    const { key, cert } = this.issue(name, `email:${name}@example.test`);
    return { certificate: cert, key: createPrivateKey(key), ca: this.pem };
  }

  private make(name: string, ...more: string[]): void {
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', this.file(`${name}.key`), '-out', this.file(`${name}.crt`), ...more);
  }
  private file = (name: string): string => path.join(this.directory, name);
  private read = (name: string): string => fs.readFileSync(this.file(name), 'utf8');
}
