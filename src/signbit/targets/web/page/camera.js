// The camera: one frame after another, each when the one before has been answered.

const PROBLEMS = {
  NotAllowedError: "The browser may not use the camera. Allow it for this page, then try again.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera is in use by another program, or does not answer.",
};

/** Why there is no picture, for a person. */
export function cameraProblem(error) {
  return PROBLEMS[error.name] ?? `The camera cannot be used: ${error.message}`;
}

export class Camera {
  /** `seen(picture)` answers one frame, an ImageBitmap that it closes; `ended()` is told when the
   * camera stops by itself. */
  constructor(video, seen, ended) {
    this.video = video;
    this.seen = seen;
    this.ended = ended;
    this.stream = null;
    addEventListener("pagehide", () => this.stop());
  }

  get running() {
    return this.stream !== null;
  }

  async start() {
    if (!navigator.mediaDevices) {
      throw new Error("a browser gives it to pages from https:// or localhost only.");
    }
    const wanted = { video: { facingMode: "environment" }, audio: false };
    const stream = await navigator.mediaDevices.getUserMedia(wanted);
    this.stream = stream;
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => {
        if (this.stream === stream) {
          this.stop();
          this.ended();
        }
      });
    }
    this.video.srcObject = stream;
    await this.video.play();
    this.watch(stream);
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.pause();
  }

  async watch(stream) {
    while (this.stream === stream) {
      await this.frame();
      if (this.stream !== stream || this.video.readyState < 2) continue;
      await this.seen(await createImageBitmap(this.video));
    }
  }

  /** Resolves at the next frame; a page that is hidden gets none. */
  frame() {
    const { video } = this;
    return new Promise((done) => {
      if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(done);
      else requestAnimationFrame(done);
    });
  }
}
