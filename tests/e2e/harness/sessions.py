"""Playback sessions as boto3 asks for them, and a page that plays one."""

import time
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

from harness import playlists, waiting

# What somebody's own page would do, with the player that our page brings along.
PLAY = """(() => {
  document.body.innerHTML = '<video id=session muted autoplay width=640></video>';
  window.sessionErrors = [];
  const hls = new Hls();
  hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) window.sessionErrors.push(data.details); });
  hls.loadSource(%r);
  hls.attachMedia(document.getElementById('session'));
})()"""


def archive(test, stream, operation="GET_HLS_STREAMING_SESSION_URL"):
    """A client of the archived media of a stream, as the endpoint for an operation is found."""
    def client(service, endpoint):
        made = boto3.client(service, endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="any", aws_secret_access_key="any",
                            config=botocore.config.Config(retries={"max_attempts": 0}))
        test.addCleanup(made.close)
        return made
    video = client("kinesisvideo", test.penstock.url(""))
    where = video.get_data_endpoint(StreamName=stream, APIName=operation)["DataEndpoint"]
    return client("kinesis-video-archived-media", where)


def hls_url(test, stream, **arguments):
    return archive(test, stream).get_hls_streaming_session_url(StreamName=stream, **arguments)["HLSStreamingSessionURL"]


def get(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def media_playlist(test, master):
    uri = [line for line in get(master).splitlines() if line and not line.startswith("#")]
    test.assertEqual(len(uri), 1)
    return get(master.rsplit("/", 1)[0] + "/" + uri[0])


def time_range(fragments):
    """Of all of these, as the API wants it: boto3 cuts times to whole seconds."""
    start = playlists.unix_ms(fragments[0]["start"]) // 1000 - 1
    # The end has to be in the past.
    end = waiting.until("the end has passed", lambda: time.time() > playlists.unix_ms(fragments[-1]["start"]) / 1000 + 2
                        and int(time.time()) - 1)
    return {"StartTimestamp": start, "EndTimestamp": end}


def refusal(test, ask, **arguments):
    """What an operation that must fail is answered with: the error's name and the status."""
    with test.assertRaises(botocore.exceptions.ClientError) as caught:
        ask(**arguments)
    return caught.exception.response["Error"]["Code"], caught.exception.response["ResponseMetadata"]["HTTPStatusCode"]
