// One <video> that plays a stream live or from a time on, and comes back by itself from whatever happens on the way: a server that
// restarts, a camera that is away, a decoder that stumbles.
import {currentKey, nativePlaylistUrl, nextRange, playlistUrl, serverNow} from './api.js';
import {clockText} from './format.js';

// A stored range is asked for in pieces, so that playlists stay short; the next piece follows when one has ended.
const kPieceMs = 60 * 60 * 1000;
// What the player jumped over is said for so long, although the picture moves.
const kSayMs = 5000;
const kHoleMs = 2000;
const kRetryMs = [500, 1000, 2000, 3000];
// A picture that has not moved for so long stands still, which the page says; live is then led back to the edge, and at last started
// again, if there is something newer to show.
const kStillMs = 2500;
const kLeadMs = 6000;
const kRestartMs = 12_000;

// While the server is away its files are asked for again and again, for as long as it takes: what is buffered stays, and playing goes on
// where it was. A refusal (4xx) does not get better by waiting.
const kAsk = {
  maxNumRetry: Infinity, retryDelayMs: 500, maxRetryDelayMs: 2000,
  shouldRetry: (config, count, isTimeout, response, usual) => usual || isTimeout || response?.code === 0,
};
const kPatience = {default: {maxTimeToFirstByteMs: 10_000, maxLoadTimeMs: 20_000, timeoutRetry: kAsk, errorRetry: kAsk}};

export class Player {
  // on: {notice(words or ''), change(), refused(), onAir(stream)}. onAir: whether somebody publishes the stream now. What nobody publishes is not played
  // live, because its last picture would pass for the present: the player rests until somebody does.
  constructor(video, on) {
    this.video = video;
    this.on = on;
    this.hls = null;
    this.stream = null;
    // Of the piece that is played, by the server's clock alone: the camera's may be minutes off. null: live.
    this.start = null;
    this.pieceEnd = 0;
    this.pieceMs = kPieceMs;
    this.resumeAt = 0;       // seconds into the piece
    this.quietUntil = 0;     // till then words stay
    this.resting = false;
    this.trouble = '';       // why nothing new comes, as far as it is known
    this.failures = 0;       // in a row
    this.restarts = 0;       // ever: how often playing had to begin anew
    this.mediaErrorAt = 0;
    this.timer = 0;
    this.moved = {at: 0, time: 0, led: false};
    this.native = false;
    video.addEventListener('ended', () => this.#ended());
    video.addEventListener('error', () => this.native && this.#again('the browser cannot play this'));
    video.addEventListener('playing', () => { this.failures = 0; this.#allIsWell(); });
    video.addEventListener('seeking', () => { this.moved.at = performance.now(); });
    setInterval(() => this.#watch(), 1000);
    // A phone that was asleep comes back far behind the edge.
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.toEdge(); });
  }

  get live() { return this.stream !== null && this.start === null; }
  // Whether the picture that is shown moves.
  get moving() { return !this.resting && !this.video.paused && performance.now() - this.moved.at < kStillMs; }

  playLive(stream) { this.#open(stream, null); }
  playFrom(stream, ms) { this.#open(stream, ms); }

  stop() {
    this.stream = null;
    this.resting = false;
    this.#close();
  }

  // For good: these words stay, and nothing is asked for any more.
  end(words) {
    this.start = null;
    this.#close();
    this.resting = true;
    this.on.change();
    this.on.notice(words);
  }

  // The time of the picture that is shown, by the clock of the camera; null if it is not known.
  shownAt() {
    const date = this.hls?.playingDate;
    if (date) return date.getTime();
    const origin = this.native ? this.video.getStartDate?.().getTime() : NaN;
    return Number.isFinite(origin) ? origin + this.video.currentTime * 1000 : null;
  }

  latencyMs() {
    const at = this.live && this.moving ? this.shownAt() : null;
    return at === null ? null : serverNow() - at;
  }

  toEdge() {
    const edge = this.live && this.hls?.liveSyncPosition;
    if (edge && edge - this.video.currentTime > 8) this.video.currentTime = edge;
  }

  #open(stream, start) {
    this.stream = stream;
    this.start = start;
    this.resumeAt = 0;
    this.failures = 0;
    this.quietUntil = 0;
    this.on.notice('');
    this.#load();
  }

  #allIsWell() { if (performance.now() >= this.quietUntil) this.on.notice(''); }

  #close() {
    clearTimeout(this.timer);
    this.hls?.destroy();
    this.hls = null;
    if (this.native) {
      this.video.removeAttribute('src');
      this.video.load();
    }
    this.native = false;
    this.trouble = '';
    this.moved = {at: performance.now(), time: 0, led: false};
  }

  #query() {
    if (this.start === null) return '';
    const start = Math.round(this.start);
    this.pieceEnd = Math.max(Math.min(start + this.pieceMs, Math.round(serverNow())), start + 1000);
    return `?start=${start}&end=${this.pieceEnd}`;
  }

  #load() {
    this.#close();
    if (this.stream === null) return;
    this.resting = this.live && !this.on.onAir(this.stream);
    this.on.change();
    if (this.resting) return this.on.notice('not live just now');
    // Asked first: current browsers say "maybe" to HLS themselves but play it worse.
    if (window.Hls?.isSupported()) this.#loadHls();
    else if (this.video.canPlayType('application/vnd.apple.mpegurl')) this.#loadNative();
    else this.on.notice('this browser can play neither Media Source Extensions nor HLS');
  }

  #loadNative() {
    this.native = true;
    const {resumeAt} = this;
    if (resumeAt > 0) this.video.addEventListener('loadedmetadata', () => { this.video.currentTime = resumeAt; }, {once: true});
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
      startPosition: this.live ? -1 : this.resumeAt,
      playlistLoadPolicy: kPatience,
      fragLoadPolicy: kPatience,
      liveSyncDurationCount: 2,
      liveMaxLatencyDurationCount: 6,
      maxLiveSyncPlaybackRate: this.live ? 1.15 : 1,
      xhrSetup: (xhr) => { if (currentKey()) xhr.setRequestHeader('Authorization', `Bearer ${currentKey()}`); },
    });
    this.hls = hls;
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (this.hls !== hls) return;
      if (data.fatal) return this.#failed(data);
      noteGap(data);
      if (data.type === Hls.ErrorTypes.NETWORK_ERROR && data.response) this.trouble = troubleText(data.response.code);
    });
    hls.on(Hls.Events.LEVEL_LOADED, () => { this.trouble = ''; });
    hls.on(Hls.Events.FRAG_BUFFERED, () => {
      this.failures = 0;
      this.trouble = '';
    });
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
      ++this.restarts;
      this.hls.recoverMediaError();
      this.#play();
      return;
    }
    const status = data.response?.code;
    if (status === 401 || status === 403) return this.#refused();
    const nothing = status === 404 || status === 410;
    if (nothing && !this.live && data.details === Hls.ErrorDetails.MANIFEST_LOAD_ERROR) return this.#nextPiece();
    if (nothing) return this.#again(this.live ? 'waiting for the camera' : 'nothing is stored there');
    this.#again(troubleText(status));
  }

  #refused() {
    this.on.notice('this key may not play this stream');
    this.on.refused();
  }

  // From the beginning, without a reload of the page. The pause grows to three seconds and stays there.
  // A stored piece goes on where it was: its list begins with the same fragment again.
  #again(words) {
    ++this.restarts;
    this.on.notice(words);
    if (!this.live && this.video.currentTime > 0) this.resumeAt = this.video.currentTime;
    this.#later(() => this.#load());
  }

  #later(work) {
    clearTimeout(this.timer);
    this.timer = setTimeout(work, kRetryMs[Math.min(this.failures++, kRetryMs.length - 1)]);
  }

  #ended() {
    if (this.stream === null || this.live) return;
    // Of what is recorded right now a piece of a few seconds is not worth a load.
    if (this.on.onAir(this.stream) && serverNow() - this.pieceEnd <= 15_000) return this.playLive(this.stream);
    this.#nextPiece();
  }

  // What is stored behind this piece, however far away; else live, or the end.
  async #nextPiece() {
    const {stream, start, pieceEnd} = this;
    const elsewhere = () => this.stream !== stream || this.start !== start;
    let range;
    try {
      range = await nextRange(stream, pieceEnd);
    } catch (error) {
      if (elsewhere()) return;
      if (error.status === 401 || error.status === 403) return this.#refused();
      this.on.notice(troubleText(error.status));
      return this.#later(() => this.#nextPiece());
    }
    if (elsewhere()) return;
    if (range === null) return this.on.onAir(stream) ? this.playLive(stream) : this.#rest();
    this.#open(stream, range.start);
    if (range.start - pieceEnd < kHoleMs) return;
    this.quietUntil = performance.now() + kSayMs;
    this.on.notice(`nothing is stored before ${clockText(range.start)}; going on there`);
  }

  // The last picture stays.
  #rest() {
    this.on.notice(this.video.ended ? '' : 'nothing more is stored');
    if (!this.video.ended) this.#close();
  }

  #watch() {
    if (this.resting && this.on.onAir(this.stream)) return this.#open(this.stream, null);
    const now = performance.now();
    const {currentTime: time, paused, seeking} = this.video;
    if (time !== this.moved.time) {
      if (time > this.moved.time) this.#allIsWell();
      this.moved = {at: now, time, led: false};
    } else if (this.stream === null || paused || seeking || document.hidden) {
      this.moved.at = now;
    } else if (this.live && !this.resting) {
      this.#still(now - this.moved.at);
    }
  }

  // Live stands still. When nothing newer has come, the camera or the server is away, and waiting is all there is to do; otherwise the
  // player has lost its way.
  #still(ms) {
    if (ms > kStillMs) this.on.notice(this.trouble || 'waiting for the camera');
    const ahead = this.native ? 0 : (this.hls?.liveSyncPosition ?? 0) - this.video.currentTime;
    if (this.trouble || ahead < 0.5) return;
    if (ms > kRestartMs) {
      this.#again('starting again');
    } else if (ms > kLeadMs && !this.moved.led) {
      this.moved.led = true;
      this.video.currentTime = this.hls.liveSyncPosition;
      this.#play();
    }
  }
}

// A fragment that was listed and is a gap since (damaged, or trimmed by retention). Lists that are loaded again say so; for one that is not,
// it is written into the list at hand, and hls.js goes on behind it.
function noteGap({details, frag, response}) {
  if (details !== window.Hls.ErrorDetails.FRAG_LOAD_ERROR || !frag || (response?.code !== 404 && response?.code !== 410)) return;
  frag.gap = true;
  frag.tagList.push(['GAP']);
}

const troubleText = (status) =>
  status ? `the server answered ${status}; trying again` : 'no connection to the server; trying again';
