const duringSessions = 2_000; // milliseconds
const whileVisible = 5_000;

/** When a gateway is asked what there is: again and again during sessions of ours and while the view is to be seen, else only when it is wanted. */
export class Pulse {
  private timer: NodeJS.Timeout | undefined;
  private asking: Promise<void> | undefined;
  private visible = false;
  private sessions = 0;

  constructor(private readonly look: () => Promise<void>) {}

  viewIs(visible: boolean): void {
    this.visible = visible;
    if (visible) void this.now();
    else this.wait();
  }

  sessionsAre(number: number): void {
    this.sessions = number;
    void this.now();
  }

  /** A session of that type (undefined: none) has stopped, stepped or gone on: news, where it is one of ours. */
  moved(type: string | undefined): void {
    if (type === 'delvegate') void this.now();
  }

  /** Of several that want it at once, the gateway is asked once. */
  now(): Promise<void> {
    clearTimeout(this.timer);
    this.asking ??= this.look().finally(() => {
      this.asking = undefined;
      this.wait();
    });
    return this.asking;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.visible = false;
    this.sessions = 0;
  }

  private wait(): void {
    clearTimeout(this.timer);
    if (this.asking !== undefined || (!this.visible && this.sessions === 0)) return;
    this.timer = setTimeout(() => void this.now(), this.sessions > 0 ? duringSessions : whileVisible);
  }
}
