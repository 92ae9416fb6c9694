// What has come of what this page had done: a line for each action, the newest first, and few of them.
export interface Outcome { id: number; what: string; text: string; over: boolean }

const most_lines = 6;

export class Outcomes {
  private lines: Outcome[] = [];
  private last = 0;

  get all(): readonly Outcome[] {
    return this.lines;
  }

  // The same at the same place, and over, has said what it had to say.
  begin(what: string): number {
    this.lines = this.lines.filter((one) => !one.over || one.what !== what);
    this.add({ id: ++this.last, what, text: '', over: false });
    return this.last;
  }

  // A line that had to go comes back with the end of it.
  say(id: number, what: string, text: string, over: boolean): void {
    const line = this.lines.find((one) => one.id === id);
    if (line) Object.assign(line, { text, over });
    else if (over) this.add({ id, what, text, over });
  }

  // What is under way stays.
  hide(): void {
    this.lines = this.lines.filter((one) => !one.over);
  }

  private add(line: Outcome): void {
    this.lines.unshift(line);
    while (this.lines.length > most_lines) {
      const goes = this.lines.filter((one) => one.over && one !== line).pop() ?? this.lines.at(-1);
      this.lines = this.lines.filter((one) => one !== goes);
    }
  }
}

export function outcomeText({ what, text, over }: Outcome): string {
  return [what, text].filter(Boolean).join(': ') + (over ? '' : ' …');
}
