/** Questions to a person: one after another, and while one of a name is not answered, no second one of that name. */
export class Questions {
  private readonly open = new Map<string, Promise<void>>();
  private last = Promise.resolve();

  ask(name: string, question: () => Promise<void>): Promise<void> {
    const open = this.open.get(name);
    if (open !== undefined) return open;
    const asked = this.last.then(question).finally(() => {
      this.open.delete(name);
    });
    this.open.set(name, asked);
    this.last = asked.catch(() => undefined); // one that is refused keeps no other back
    return asked;
  }
}
