import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';

import { Adapter, labelOf, type Refusal, type Remedy } from '../core/adapter.js';
import type { LocalSources } from '../core/checkout.js';
import { dial } from '../core/dial.js';
import { LinkStream } from '../core/link.js';
import type { Way } from '../core/stream.js';
import type { Target } from '../core/target.js';
import type { Gateways } from './gateways.js';
import type { Log } from './log.js';
import { ask } from './notices.js';

const commands: Partial<Record<Remedy, string>> = {
  'ask-for-baton': 'delvegate.baton.ask',
  'show-components': 'delvegate.components.focus',
  enroll: 'delvegate.enroll',
  start: 'delvegate.start',
};

/** A debug session that speaks to the gateway by itself: no local port, no local dlv. */
export class GatewaySession implements vscode.DebugAdapter {
  private readonly messages = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly onDidSendMessage = this.messages.event;
  private readonly adapter: Adapter;
  private dialogs = 0;

  constructor(target: Target, configuration: vscode.DebugConfiguration, sources: LocalSources | undefined, gateways: Gateways, log: Log) {
    const stop: unknown = configuration.stop;
    const request = { component: target.component, ...(typeof stop === 'string' && stop !== '' ? { stop: stop.slice(0, 64) } : {}) };
    const call = (command: string): string => `command:${command}?${encodeURIComponent(JSON.stringify([target]))}`;
    const way = async (): Promise<Way> => {
      const place = await gateways.place(target.context);
      return { socket: await dial(place, 'delvegate/1'), gateway: place.gateway };
    };
    this.adapter = new Adapter((user) => new LinkStream(way, request, user), {
      toEditor: (message: DebugProtocol.ProtocolMessage) => {
        this.messages.fire(message);
      },
      refused: (refusal) => void this.show(refusal, target),
      linkIs: (up, reason) => {
        log.line(up ? `the link of ${target.component} goes on` : `the link of ${target.component} is down: ${reason}`);
      },
      link: (remedy) => {
        const command = commands[remedy];
        return command === undefined ? undefined : call(command);
      },
    }, sources);
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    this.adapter.fromEditor(message as DebugProtocol.ProtocolMessage);
  }

  dispose(): void {
    this.adapter.dispose();
    this.messages.dispose();
  }

  // Whoever presses the key again gets no second dialog behind the first.
  private async show(refusal: Refusal, target: Target): Promise<void> {
    if (this.dialogs > 0) return;
    this.dialogs++;
    try {
      const button = labelOf(refusal.remedy);
      const chosen = await ask(`The gateway refused that (${target.component} of ${target.context})`, refusal.line, button);
      const command = commands[refusal.remedy];
      if (chosen === button && command !== undefined) await vscode.commands.executeCommand(command, target);
    } finally {
      this.dialogs--;
    }
  }
}
