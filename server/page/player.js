// One <video> that plays a stream live or from a time on, and comes back by itself from whatever happens on the way: a server that
// restarts, a camera that is away, a decoder that stumbles.
import {currentKey, nativePlaylistUrl, playlistUrl, serverNow} from './api.js';

// A stored range is asked for in pieces, so that playlists stay short; the next piece follows when one has ended.
const kPieceMs = 60 * 60 * 1000;
const kRetryMs = [500, 1000, 2000, 3000];
// Live that has not moved for so long is led back to the edge; for twice as long, started again.
const kStallMs = 6000;

export class Player {
  // on: {notice(words or ''), mode('live'|'stored')}
  constructor(video, on) {
    this.video = video;
    this.on = on;
    this.hls = null;
    this.stream = null;
    this.start = null;       // ms; null: live
    this.pieceEnd = 0;
    this.failures = 0;
    this.mediaErrorAt = 0;
    this.timer = 0;
    this.moved = {at: 0, time: -1};
    this.native = false;
    video.addEventListener('ended', () => this.#ended());
    video.addEventListener('error', () => this.native && this.#again('the browser cannot play this'));
    video.addEventListener('playing', () => { this.failures = 0; this.on.notice(''); });
    setInterval(() => this.#watch(), 1000);
    // A phone that was asleep comes back far behind the edge.
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.toEdge(); });
  }

  get live() { return this.stream !== null && this.start === null; }

  playLive(stream) { this.#open(stream, null); }
  playFrom(stream, ms) { this.#open(stream, ms); }

  stop() {
    this.stream = null;
    this.#close();
  }

  // The time of the picture that is shown, by the clock of the camera; null if it is not known.
  shownAt() {
    const date = this.hls?.playingDate;
    if (date) return date.getTime();
    const origin = this.native ? this.video.getStartDate?.().getTime() : NaN;
    return Number.isFinite(origin) ? origin + this.video.currentTime * 1000 : null;
  }

  latencyMs() {
    const at = this.live && !this.video.paused ? this.shownAt() : null;
    return at === null ? null : serverNow() - at;
  }

  toEdge() {
    const edge = this.live && this.hls?.liveSyncPosition;
    if (edge && edge - this.video.currentTime > 8) this.video.currentTime = edge;
  }

  #open(stream, start) {
    this.stream = stream;
    this.start = start;
    this.failures = 0;
    this.on.mode(this.live ? 'live' : 'stored');
    this.on.notice('');
    this.#load();
  }

  #close() {
    clearTimeout(this.timer);
    this.hls?.destroy();
    this.hls = null;
    if (this.native) this.video.removeAttribute('src');
    this.native = false;
  }

  #query() {
    if (this.start === null) return '';
    this.pieceEnd = Math.min(this.start + kPieceMs, Math.round(serverNow()));
    return `?start=${Math.round(this.start)}&end=${this.pieceEnd}`;
  }

  #load() {
    this.#close();
    if (this.stream === null) return;
    this.moved = {at: performance.now(), time: -1};
    // Asked first: current browsers say "maybe" to HLS themselves but play it worse.
    if (window.Hls?.isSupported()) this.#loadHls();
    else if (this.video.canPlayType('application/vnd.apple.mpegurl')) this.#loadNative();
    else this.on.notice('this browser can play neither Media Source Extensions nor HLS');
  }

  #loadNative() {
    this.native = true;
    this.video.src = nativePlaylistUrl(this.stream, this.#query());
    this.#play();
  }

  #loadHls() {
    const Hls = window.Hls;
    const hls = new Hls({
      // Media is fMP4 already; a worker would only carry it to and fro (and would need a looser content policy).
      enableWorker: false,
      backBufferLength: 30,
      maxBufferLength: 30,
      startPosition: this.live ? -1 : 0,
      liveSyncDurationCount: 2,
      liveMaxLatencyDurationCount: 6,
      maxLiveSyncPlaybackRate: this.live ? 1.15 : 1,
      xhrSetup: (xhr) => { if (currentKey()) xhr.setRequestHeader('Authorization', `Bearer ${currentKey()}`); },
    });
    this.hls = hls;
    hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal && this.hls === hls) this.#failed(data); });
    hls.on(Hls.Events.FRAG_BUFFERED, () => { this.failures = 0; });
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#play());
    hls.loadSource(playlistUrl(this.stream, this.#query()));
    hls.attachMedia(this.video);
  }

  // Muted video may start by itself everywhere; where it may not, the controls are there.
  #play() { this.video.play().catch(() => {}); }

  #failed(data) {
    const Hls = window.Hls;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && performance.now() - this.mediaErrorAt > 5000) {
      this.mediaErrorAt = performance.now();
      this.hls.recoverMediaError();
      this.#play();
      return;
    }
    const status = data.response?.code;
    if (status === 401 || status === 403) return this.on.notice('this key may not play this stream');
    if (status === 404) return this.#again(this.live ? 'waiting for the camera' : 'nothing is stored there');
    this.#again(status ? `the server answered ${status}; trying again` : 'no connection to the server; trying again');
  }

  // From the beginning, without a reload of the page. The pause grows to three seconds and stays there.
  #again(words) {
    this.on.notice(words);
    const wait = kRetryMs[Math.min(this.failures++, kRetryMs.length - 1)];
    if (!this.live) {
      const at = this.shownAt();
      if (at !== null && at > this.start) this.start = at;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#load(), wait);
  }

  #ended() {
    if (this.stream === null || this.live) return;
    // What was recorded meanwhile, or the live edge when there is no more.
    if (serverNow() - this.pieceEnd > 15_000) {
      this.start = this.pieceEnd;
      this.#load();
    } else {
      this.playLive(this.stream);
    }
  }

  #watch() {
    const now = performance.now();
    const time = this.video.currentTime;
    if (this.stream === null || this.video.paused || this.video.seeking || document.hidden || time !== this.moved.time) {
      this.moved = {at: now, time, led: false};
      return;
    }
    const still = now - this.moved.at;
    if (!this.live || still < kStallMs) return;
    if (still > 2 * kStallMs) {
      this.#again('waiting for the camera');
      this.moved.at = now;
    } else if (!this.moved.led && this.hls?.liveSyncPosition > time + 0.5) {
      this.moved.led = true;
      this.video.currentTime = this.hls.liveSyncPosition;
      this.#play();
    }
  }
}
