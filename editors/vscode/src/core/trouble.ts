/** Something that a person is told: one line that says what happened to what, and what to do next. */
export type TroubleKind =
  | 'unreachable' // no way there, no answer, or the connection broke
  | 'certificate' // theirs or ours
  | 'refused' // the gateway does not do it for us
  | 'settings'; // something on this computer is not as it must be

export class Trouble extends Error {
  constructor(
    readonly kind: TroubleKind,
    line: string,
    /** What the gateway gives as the reason's name, such as `busy`; docs/api.md and docs/protocol.md. */
    readonly code?: string,
  ) {
    super(printable(line));
    this.name = 'Trouble';
  }
}

/** The line of whatever was thrown. */
export function lineOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}

/**
 * What somebody else wrote, fit for one line of a screen: control characters (line ends too) and those that change the direction
 * of the text become question marks, beyond `most` characters it is cut, and it has no links.
 */
export function printable(text: string, most = 2048): string {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '?');
  const points = Array.from(line);
  return withoutLinks(points.length <= most ? line : points.slice(0, most).join('') + '…');
}

/** VS Code makes links, which may call commands, of [words](command:…) in whatever it shows in a notification. */
export function withoutLinks(text: string): string {
  return text.replace(/\]\((?=\s*[a-z][a-z0-9+.-]*:)/gi, '] (');
}

/** As printable, where the editor reads Markdown that it trusts: no link, image, reference or tag, in whatever form. */
export function withoutMarkdown(text: string): string {
  return printable(text).replace(/\](?=[([:])/g, '] ').replace(/<(?=[a-z!?/])/gi, '< ');
}
