// Sends a Matroska file, or a live one on standard input, with PutMedia and prints what is acknowledged. Ends with 0 if all of it is durable.
//
//     node put_media.mjs http://127.0.0.1:8080 door film.mkv
//     ffmpeg … -f matroska - | node put_media.mjs http://127.0.0.1:8080 door -
//
// The SDK has no PutMedia; it has the signer. Beside this file or above it: npm install @aws-sdk/client-kinesis-video. Keys: AWS_ACCESS_KEY_ID, ….
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import readline from 'node:readline';
import {createHash, createHmac} from 'node:crypto';
import {createRequire} from 'node:module';

// From where the SDK is installed: here, or the folder this is run in.
const require = createRequire(fs.existsSync('node_modules') ? `${process.cwd()}/` : import.meta.url);
const {KinesisVideoClient, GetDataEndpointCommand} = require('@aws-sdk/client-kinesis-video');
const {SignatureV4} = createRequire(require.resolve('@aws-sdk/client-kinesis-video'))('@smithy/signature-v4');

class Sha256 {
  constructor(key) { this.hash = key ? createHmac('sha256', key) : createHash('sha256'); }
  update(data) { this.hash.update(data); }
  async digest() { return new Uint8Array(this.hash.digest()); }
}

const [endpoint, stream, file] = process.argv.slice(2);
const region = process.env.AWS_REGION ?? 'us-east-1';
const client = new KinesisVideoClient({endpoint, region});
const {DataEndpoint} = await client.send(new GetDataEndpointCommand({StreamName: stream, APIName: 'PUT_MEDIA'}));
const where = new URL('/putMedia', DataEndpoint);

const signer = new SignatureV4({credentials: client.config.credentials, region, service: 'kinesisvideo', sha256: Sha256});
const {headers} = await signer.sign({
  method: 'POST', protocol: where.protocol, hostname: where.hostname, port: where.port, path: where.pathname, query: {},
  headers: {
    host: where.host,
    'x-amzn-stream-name': stream,
    'x-amzn-fragment-timecode-type': 'RELATIVE',
    'x-amzn-producer-start-timestamp': (Date.now() / 1000).toFixed(3),
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
  },
});

const request = (where.protocol === 'https:' ? https : http).request(where, {method: 'POST', headers});
const answered = new Promise((resolve, reject) => request.once('response', resolve).once('error', reject));
request.flushHeaders();  // the answer begins before the body has ended, or even begun
const answer = await answered;
request.on('error', () => {});  // the answer says why the server wants no more
(file === '-' ? process.stdin : fs.createReadStream(file)).pipe(request);

const missing = new Set();
for await (const line of readline.createInterface({input: answer})) {
  console.log(line);
  if (answer.statusCode !== 200) missing.add(`${answer.statusCode} ${answer.headers['x-amzn-errortype']}`);
  else {
    const {EventType, FragmentTimecode} = JSON.parse(line);
    if (EventType === 'PERSISTED') missing.delete(FragmentTimecode);
    else if (EventType === 'BUFFERING' || EventType === 'ERROR') missing.add(FragmentTimecode);
  }
}
if (missing.size > 0) console.error('not acknowledged:', ...missing);
process.exit(missing.size > 0 ? 1 : 0);
