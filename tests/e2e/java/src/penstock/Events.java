package penstock;

import com.amazonaws.kinesisvideo.producer.FragmentAckType;
import com.amazonaws.kinesisvideo.producer.KinesisVideoFragmentAck;
import com.amazonaws.kinesisvideo.streaming.DefaultStreamCallbacks;

/** What the producer library tells of a stream, a line each on standard output: the word, then its numbers. Called from the library's threads. */
final class Events extends DefaultStreamCallbacks {
  static synchronized void say(String word, Object... values) {
    StringBuilder line = new StringBuilder(word);
    for (Object value : values) {
      line.append(' ').append(value);
    }
    System.out.println(line);
  }

  @Override
  public void fragmentAckReceived(long upload, KinesisVideoFragmentAck ack) {
    say(name(ack.getAckType().getIntType()), ack.getTimestamp(), ack.getSequenceNumber(), ack.getResult());
  }

  @Override
  public void droppedFrameReport(long timecode) {
    say("dropped-frame", timecode);
  }

  @Override
  public void droppedFragmentReport(long timecode) {
    say("dropped-fragment", timecode);
  }

  @Override
  public void streamErrorReport(long upload, long timecode, long status) {
    say("stream-error", timecode, Long.toHexString(status));
  }

  @Override
  public void streamClosed(long upload) {
    say("closed");
  }

  private static String name(int type) {
    switch (type) {
      case FragmentAckType.FRAGMENT_ACK_TYPE_BUFFERING: return "BUFFERING";
      case FragmentAckType.FRAGMENT_ACK_TYPE_RECEIVED: return "RECEIVED";
      case FragmentAckType.FRAGMENT_ACK_TYPE_PERSISTED: return "PERSISTED";
      case FragmentAckType.FRAGMENT_ACK_TYPE_ERROR: return "ERROR";
      case FragmentAckType.FRAGMENT_ACK_TYPE_IDLE: return "IDLE";
      default: return "UNDEFINED";
    }
  }
}
