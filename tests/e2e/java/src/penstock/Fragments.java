package penstock;

import com.amazonaws.kinesisvideo.parser.mkv.Frame;
import com.amazonaws.kinesisvideo.parser.mkv.MkvElementVisitor;
import com.amazonaws.kinesisvideo.parser.utilities.FragmentMetadata;
import com.amazonaws.kinesisvideo.parser.utilities.FragmentMetadataVisitor.MkvTagProcessor;
import com.amazonaws.kinesisvideo.parser.utilities.FrameVisitor;
import com.amazonaws.kinesisvideo.parser.utilities.MkvTag;
import com.amazonaws.kinesisvideo.parser.utilities.MkvTrackMetadata;
import java.math.BigInteger;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Tells of each fragment that the parser library has read, a line each on standard output: its number, the server's and the producer's time in
 * milliseconds, how many frames, SHA-256 of them all, the track's codec, its tags. For one thread.
 */
final class Fragments implements FrameVisitor.FrameProcessor, MkvTagProcessor {
  private FragmentMetadata current;
  private MessageDigest digest;
  private int frames;
  private String codec;
  private final TreeMap<String, String> tags = new TreeMap<>();

  MkvElementVisitor visitor() {
    return FrameVisitor.create(this, Optional.of(this));
  }

  @Override
  public void process(Frame frame, MkvTrackMetadata track, Optional<FragmentMetadata> fragment, Optional<MkvTagProcessor> tagged,
                      Optional<BigInteger> timescale, Optional<BigInteger> timecode) {
    FragmentMetadata of = fragment.orElseThrow(() -> new IllegalStateException("a frame of no fragment"));
    if (current == null || !current.getFragmentNumber().equals(of.getFragmentNumber())) {
      end();
      begin(of);
    }
    codec = track.getCodecId();
    digest.update(frame.getFrameData().duplicate());
    frames++;
  }

  @Override
  public void process(MkvTag tag, Optional<FragmentMetadata> fragment) {
    tags.put(tag.getTagName(), tag.getTagValue());
  }

  @Override
  public void clear() {
    tags.clear();
  }

  private void begin(FragmentMetadata fragment) {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
    current = fragment;
    frames = 0;
  }

  /** The fragment under way is whole. Without one nothing happens. */
  void end() {
    if (current == null) {
      return;
    }
    StringBuilder hex = new StringBuilder();
    for (byte part : digest.digest()) {
      hex.append(String.format("%02x", part));
    }
    System.out.println(String.join(" ", "fragment", current.getFragmentNumberString(), Long.toString(current.getServerSideTimestampMillis()),
        Long.toString(current.getProducerSideTimestampMillis()), Integer.toString(frames), hex, codec, tags.toString()));
    current = null;
  }
}
