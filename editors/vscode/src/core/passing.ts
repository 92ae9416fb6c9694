import type { DebugProtocol } from '@vscode/debugprotocol';

import { withoutLinks, withoutMarkdown } from './trouble.js';

/**
 * An event of the gateway's as the editor may have it; undefined: not at all. The words in it are other people's and the debuggee's, and
 * VS Code shows some of them where links call commands.
 */
export function fitForTheEditor(event: DebugProtocol.Event): DebugProtocol.Event | undefined {
  const body = object(event.body);
  switch (event.event) {
    // A notification, with links; neither the gateway nor Delve has any.
    case 'progressStart':
    case 'progressUpdate':
    case 'progressEnd':
      return undefined;
    case 'output': // what is important is a notification, too
      return body.category === 'important' && typeof body.output === 'string' ? { ...event, body: { ...body, output: withoutLinks(body.output) } } : event;
    case 'breakpoint':
      return { ...event, body: { ...body, breakpoint: plain(body.breakpoint) } };
    case 'terminated': {
      // Whether there is another session is for the person to say: VS Code would begin it at once, again and again.
      const kept = { ...body };
      delete kept.restart;
      return event.body === undefined ? event : { ...event, body: kept };
    }
    default:
      return event;
  }
}

/** The message of a breakpoint is trusted Markdown in VS Code, and has others' conditions and names in it. */
export function withPlainBreakpoints(response: DebugProtocol.Response): DebugProtocol.Response {
  const body = object(response.body);
  return Array.isArray(body.breakpoints) ? { ...response, body: { ...body, breakpoints: (body.breakpoints as unknown[]).map(plain) } } : response;
}

function plain(breakpoint: unknown): unknown {
  const { message } = object(breakpoint);
  return typeof message === 'string' ? { ...object(breakpoint), message: withoutMarkdown(message) } : breakpoint;
}

const object = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {});
