import * as vscode from 'vscode';

import { enroll, faultOfInvitation, readInvitation } from '../core/enroll.js';
import { nameBefore, type NameGiver } from '../core/naming.js';
import { lineOf, printable } from '../core/trouble.js';
import type { Gateways } from './gateways.js';
import type { Log } from './log.js';
import { alarm, ask, during, inform } from './notices.js';
import { utc } from '../core/dial.js';

/** Asks for the administrator's line and, where it has none, for the token; the key never leaves this computer. */
export async function enrolment(gateways: Gateways, log: Log): Promise<void> {
  const line = await vscode.window.showInputBox({
    title: 'Enrol with a Gateway (1/2)',
    prompt: 'The line of `delvegate token create` that the administrator of the gateway has sent',
    placeHolder: 'delvegate enroll HOST:7444 --ca-pin sha256:…',
    ignoreFocusOut: true,
    validateInput: faultOfInvitation,
  });
  const invitation = line === undefined ? undefined : readInvitation(line);
  if (invitation === undefined) return;
  try {
    const name = await nameBefore(gateways.store, invitation, nameGiver);
    if (name === undefined) return;
    const token =
      invitation.token ??
      (await vscode.window.showInputBox({ title: 'Enrol with a Gateway (2/2)', prompt: 'The token; it works once', password: true, ignoreFocusOut: true }));
    if (token === undefined) return;
    const enrolled = await during(`Enrolling with ${invitation.gateway.host}`, () => enroll(gateways.store, { ...invitation, token: token.trim() }, name, nameGiver));
    if (enrolled.notCurrent !== undefined) log.line(enrolled.notCurrent);
    await gateways.choose(enrolled.context);
    await gateways.renewWhatIsDue(); // what was told of the certificate before it is over
    await vscode.commands.executeCommand('delvegate.components.focus');
    void inform(`Enrolled as ${enrolled.user}; the certificate of ${enrolled.context} is good until ${utc(enrolled.notAfter)}.`);
  } catch (error) {
    void alarm('Enrolment failed, and nothing is stored', lineOf(error));
  }
}

const nameGiver: NameGiver = {
  async replaces(line) {
    const [replace, rename] = ['Replace It', 'Another Name…'];
    const chosen = await ask(line, 'The certificate and the key that are there would be gone. A gateway of its own gets a name of its own.', replace, rename);
    if (chosen === undefined) return undefined;
    return chosen === replace ? 'replace' : 'rename';
  },
  async name(line, suggestion, fault) {
    return vscode.window.showInputBox({ title: 'What is the new one to be called?', prompt: printable(line), value: suggestion, ignoreFocusOut: true, validateInput: fault });
  },
};
