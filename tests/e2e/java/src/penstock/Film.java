package penstock;

import com.amazonaws.kinesisvideo.client.mediasource.MediaSourceState;
import com.amazonaws.kinesisvideo.common.exception.KinesisVideoException;
import com.amazonaws.kinesisvideo.internal.client.mediasource.MediaSource;
import com.amazonaws.kinesisvideo.internal.client.mediasource.MediaSourceConfiguration;
import com.amazonaws.kinesisvideo.internal.client.mediasource.MediaSourceSink;
import com.amazonaws.kinesisvideo.producer.FrameFlags;
import com.amazonaws.kinesisvideo.producer.KinesisVideoFrame;
import com.amazonaws.kinesisvideo.producer.MkvTrackInfoType;
import com.amazonaws.kinesisvideo.producer.StreamCallbacks;
import com.amazonaws.kinesisvideo.producer.StreamInfo;
import com.amazonaws.kinesisvideo.producer.Tag;
import com.amazonaws.kinesisvideo.producer.Time;
import com.amazonaws.kinesisvideo.producer.TrackInfo;
import com.amazonaws.kinesisvideo.util.StreamInfoConstants;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A folder's pictures as a camera: `private` is the codec's private data, `NNNNN.key` and `NNNNN.delta` are access units with length-prefixed
 * NAL units, in the order of their names, 40 ms each. Each is given to the library when its time has come. Each key frame is preceded by a tag.
 */
final class Film implements MediaSource {
  private static final int MS_A_PICTURE = 40;
  private static final int TRACK = 1;

  private final String name;
  private final Path folder;
  private final CountDownLatch ended = new CountDownLatch(1);
  private MediaSourceSink sink;
  private volatile KinesisVideoException failure;
  private volatile boolean stopped;

  Film(String name, Path folder) {
    this.name = name;
    this.folder = folder;
  }

  void awaitEnd() throws InterruptedException, KinesisVideoException {
    ended.await();
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  public StreamInfo getStreamInfo() {
    TrackInfo track = new TrackInfo(TRACK, StreamInfoConstants.VIDEO_CODEC_ID, "picture", read(folder.resolve("private")),
                                    MkvTrackInfoType.VIDEO);
    return new StreamInfo(StreamInfoConstants.VERSION_ZERO, name, StreamInfo.StreamingType.STREAMING_TYPE_REALTIME, "video/h264",
        StreamInfoConstants.NO_KMS_KEY_ID, 2 * Time.HUNDREDS_OF_NANOS_IN_AN_HOUR, StreamInfoConstants.NOT_ADAPTIVE,
        StreamInfoConstants.MAX_LATENCY_ZERO, StreamInfoConstants.DEFAULT_GOP_DURATION, StreamInfoConstants.KEYFRAME_FRAGMENTATION,
        StreamInfoConstants.USE_FRAME_TIMECODES, StreamInfoConstants.ABSOLUTE_TIMECODES, StreamInfoConstants.REQUEST_FRAGMENT_ACKS,
        StreamInfoConstants.RECOVER_ON_FAILURE, StreamInfoConstants.DEFAULT_BITRATE, StreamInfoConstants.FRAME_RATE_25,
        StreamInfoConstants.DEFAULT_BUFFER_DURATION, StreamInfoConstants.DEFAULT_REPLAY_DURATION,
        StreamInfoConstants.DEFAULT_STALENESS_DURATION, StreamInfoConstants.DEFAULT_TIMESCALE, StreamInfoConstants.RECALCULATE_METRICS,
        new Tag[] {new Tag("site", "gate-3")}, StreamInfo.NalAdaptationFlags.NAL_ADAPTATION_FLAG_NONE, UUID.randomUUID(),
        new TrackInfo[] {track});
  }

  @Override
  public void initialize(MediaSourceSink given) {
    sink = given;
  }

  @Override
  public void start() {
    Thread thread = new Thread(this::play, "film");
    thread.setDaemon(true);
    thread.start();
  }

  private void play() {
    try {
      List<Path> pictures;
      try (Stream<Path> files = Files.list(folder)) {
        pictures = files.filter(path -> !path.endsWith("private")).sorted().collect(Collectors.toList());
      }
      long begin = System.currentTimeMillis();
      Events.say("begin", begin);
      for (int i = 0; i < pictures.size() && !stopped; i++) {
        long time = begin + (long) i * MS_A_PICTURE;
        Thread.sleep(Math.max(0, time - System.currentTimeMillis()));
        boolean key = pictures.get(i).toString().endsWith(".key");
        long ticks = time * Time.HUNDREDS_OF_NANOS_IN_A_MILLISECOND;
        sink.onFrame(new KinesisVideoFrame(i, key ? FrameFlags.FRAME_FLAG_KEY_FRAME : FrameFlags.FRAME_FLAG_NONE, ticks, ticks,
            MS_A_PICTURE * Time.HUNDREDS_OF_NANOS_IN_A_MILLISECOND, direct(read(pictures.get(i))), TRACK));
        if (key) {
          sink.onFragmentMetadata("picture", Integer.toString(i), false);
        }
      }
      Events.say("end", pictures.size());
    } catch (KinesisVideoException error) {
      failure = error;
    } catch (IOException | InterruptedException | RuntimeException error) {
      failure = new KinesisVideoException(error);
    } finally {
      ended.countDown();
    }
  }

  private static ByteBuffer direct(byte[] bytes) {
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }

  private static byte[] read(Path path) {
    try {
      return Files.readAllBytes(path);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  @Override
  public void stop() {
    stopped = true;
  }

  @Override
  public boolean isStopped() {
    return stopped;
  }

  @Override
  public void free() {}

  @Override
  public MediaSourceState getMediaSourceState() {
    return stopped ? MediaSourceState.STOPPED : MediaSourceState.RUNNING;
  }

  @Override
  public MediaSourceConfiguration getConfiguration() {
    return null;
  }

  @Override
  public void configure(MediaSourceConfiguration configuration) {}

  @Override
  public MediaSourceSink getMediaSourceSink() {
    return sink;
  }

  @Override
  public StreamCallbacks getStreamCallbacks() {
    return new Events();
  }
}
