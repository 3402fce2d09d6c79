// Links to one stream: the dialog that makes one for others, and what is said where the page was opened with one.
import {currentLink, makeLink, serverNow} from './api.js';
import {dayText, minuteText, startOfDay} from './format.js';

const kShareSeconds = 3600;

const byId = (id) => document.getElementById(id);

const untilText = (ms) => (startOfDay(ms) === startOfDay(serverNow()) ? minuteText(ms) : `${minuteText(ms)}, ${dayText(ms)}`);

async function share(stream) {
  const input = byId('share-link');
  input.value = '';
  byId('share-stream').textContent = stream;
  byId('share-words').textContent = '';
  byId('share-hint').textContent = '';
  byId('share-refusal').textContent = '';
  byId('share-copy').textContent = 'Copy';
  byId('share-copy').disabled = true;
  byId('share-dialog').showModal();
  let made;
  try {
    made = await makeLink(stream, kShareSeconds);
  } catch (error) {
    byId('share-refusal').textContent = error.message;
    return;
  }
  const address = new URL(made.page);
  // What this page was opened by, https too, unless the server was told another name for itself.
  input.value = address.host === location.host ? `${location.origin}/${address.hash}` : made.page;
  byId('share-words').textContent =
    `Whoever has this link can watch ${stream} until ${untilText(Date.parse(made.expires))}: live and what is stored, and nothing else. ` +
    'It cannot be taken back before that.';
  if (/^(localhost|127\.|\[::1\])/.test(address.hostname)) {
    byId('share-hint').textContent = `${address.hostname} is this machine only: open this page by a name that the others can reach, and share from there.`;
  }
  byId('share-copy').disabled = false;
  input.select();
}

async function copy() {
  const input = byId('share-link');
  input.select();
  // The clipboard itself is not there on plain HTTP from elsewhere.
  const done = await (navigator.clipboard?.writeText(input.value).then(() => true, () => false) ?? false);
  byId('share-copy').textContent = done || document.execCommand('copy') ? 'Copied' : 'Press Ctrl-C';
}

// selected: the name of the stream that is shown.
export function offerSharing(selected) {
  byId('share').onclick = () => share(selected());
  byId('share-copy').onclick = copy;
}

// Once it is known whether there is a link.
export function showWhatLinksAllow() {
  byId('share').hidden = currentLink() !== null;
  document.body.classList.toggle('by-link', currentLink() !== null);
}

export function drawSharedUntil(stream) {
  byId('shared').hidden = !stream.until;
  if (stream.until) byId('shared').textContent = `Shared with you until ${untilText(Date.parse(stream.until))}`;
}

// answer: why the server refuses the link.
export const linkEndText = ({message, ended}) =>
  ended ? `this link ended at ${untilText(Date.parse(ended))}; ask whoever sent it for a new one` : message ?? 'this link opens nothing here';

export function drawLinkEnded() {
  byId('shared').hidden = true;
  byId('stage').hidden = false;
  document.body.classList.add('link-ended');
}
