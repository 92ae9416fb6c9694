import * as vscode from 'vscode';

import { lineOf } from '../core/trouble.js';

/** The output channel. */
export class Log {
  constructor(private readonly channel: vscode.LogOutputChannel) {}

  line(text: string): void {
    this.channel.info(text);
  }
  trouble(what: string, error: unknown): void {
    this.channel.warn(`${what}: ${lineOf(error)}`);
  }
}
