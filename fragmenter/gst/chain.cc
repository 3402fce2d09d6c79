#include "fragmenter/gst/chain.h"

#include <mutex>
#include <utility>

#include <gst/gst.h>

#include "base/log.h"
#include "fragmenter/gst/depayloader.h"

namespace penstock::fragmenter::gst {
namespace {

// Whose elements run on this thread right now, so that what GLib has to say reaches the right one.
thread_local Complaints* current_complaints = nullptr;

class ComplaintsScope {
 public:
  explicit ComplaintsScope(Complaints& complaints)
      : outer_(std::exchange(current_complaints, &complaints)) {}
  ~ComplaintsScope() { current_complaints = outer_; }
  ComplaintsScope(const ComplaintsScope&) = delete;
  ComplaintsScope& operator=(const ComplaintsScope&) = delete;

 private:
  Complaints* outer_;
};

void OnGlibLog(const char* domain, GLogLevelFlags level, const char* message, void*) {
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) == 0) return;
  const std::string text =
      std::string(domain != nullptr ? domain : "GLib") + ": " + (message != nullptr ? message : "");
  if (current_complaints != nullptr) {
    current_complaints->Add(text);
  } else {
    log::Write(log::kWarning, "GLib complains", {{"error", text}});
  }
}

// Messages end here and are never queued: nobody runs a main loop.
GstBusSyncReply OnMessage(GstBus*, GstMessage* message, void* user) {
  const GstMessageType type = GST_MESSAGE_TYPE(message);
  if (type == GST_MESSAGE_ERROR || type == GST_MESSAGE_WARNING) {
    GError* error = nullptr;
    type == GST_MESSAGE_ERROR ? gst_message_parse_error(message, &error, nullptr)
                              : gst_message_parse_warning(message, &error, nullptr);
    static_cast<Complaints*>(user)->Add(error->message);
    g_error_free(error);
  }
  // Who says GST_BUS_DROP owns the message; it would keep the element that sent it, and the chain.
  gst_message_unref(message);
  return GST_BUS_DROP;
}

void ReleaseBytes(void* bytes) { delete static_cast<Bytes*>(bytes); }

struct MappedBuffer {
  explicit MappedBuffer(GstBuffer* source) : buffer(gst_buffer_ref(source)) {
    mapped = gst_buffer_map(buffer, &info, GST_MAP_READ) != FALSE;
  }
  ~MappedBuffer() {
    if (mapped) gst_buffer_unmap(buffer, &info);
    gst_buffer_unref(buffer);
  }
  MappedBuffer(const MappedBuffer&) = delete;
  MappedBuffer& operator=(const MappedBuffer&) = delete;

  GstBuffer* buffer;
  GstMapInfo info{};
  bool mapped = false;
};

}  // namespace

void InitOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    gst_init(nullptr, nullptr);
    g_log_set_default_handler(OnGlibLog, nullptr);
  });
}

Bytes BytesOf(GstBuffer* buffer) {
  auto mapped = std::make_shared<MappedBuffer>(buffer);
  if (!mapped->mapped) return {};
  const ByteSpan span(mapped->info.data, mapped->info.size);
  return Bytes(std::move(mapped), span);
}

struct Chain::Impl {
  ~Impl() {
    if (bin != nullptr) gst_element_set_state(bin, GST_STATE_NULL);
    if (source != nullptr) gst_object_unref(source);
    if (sink != nullptr) gst_object_unref(sink);
    if (bin != nullptr) gst_object_unref(bin);
    if (bus != nullptr) gst_object_unref(bus);
    if (input_caps != nullptr) gst_caps_unref(input_caps);
  }

  static GstFlowReturn OnBuffer(GstPad* pad, GstObject*, GstBuffer* buffer) {
    static_cast<Impl*>(gst_pad_get_element_private(pad))->callbacks.on_buffer(buffer);
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }

  static gboolean OnEvent(GstPad* pad, GstObject*, GstEvent* event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      static_cast<Impl*>(gst_pad_get_element_private(pad))->callbacks.on_caps(caps);
    }
    gst_event_unref(event);
    return TRUE;
  }

  // The pad's template answers CAPS and ACCEPT_CAPS; nothing is offered for ALLOCATION; there is no
  // latency to speak of.
  static gboolean OnQuery(GstPad* pad, GstObject* parent, GstQuery* query) {
    if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) return FALSE;
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
      gst_query_set_latency(query, FALSE, 0, GST_CLOCK_TIME_NONE);
      return TRUE;
    }
    return gst_pad_query_default(pad, parent, query);
  }

  Status Build(const std::string& elements, const std::string& output_caps) {
    GError* error = nullptr;
    bin = gst_parse_bin_from_description_full(elements.c_str(), FALSE, nullptr,
                                              GST_PARSE_FLAG_FATAL_ERRORS, &error);
    if (bin == nullptr) {
      const std::string why = error != nullptr ? error->message : "unknown";
      g_clear_error(&error);
      return Error(ErrorCode::kUnavailable, "GStreamer cannot make '" + elements + "': " + why);
    }
    gst_object_ref_sink(bin);
    g_clear_error(&error);
    // A bus of gst_bus_new has a pair of sockets to wake readers; the handler below needs none, and
    // a camera is to cost one descriptor.
    bus = GST_BUS(g_object_new(GST_TYPE_BUS, "enable-async", FALSE, nullptr));
    gst_bus_set_sync_handler(bus, OnMessage, &complaints, nullptr);
    gst_element_set_bus(bin, bus);

    source = gst_pad_new("source", GST_PAD_SRC);
    gst_object_ref_sink(source);
    GstCaps* const caps = gst_caps_from_string(output_caps.c_str());
    GstPadTemplate* const pad_template =
        gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps);
    gst_caps_unref(caps);
    sink = gst_pad_new_from_template(pad_template, "sink");
    gst_object_ref_sink(sink);
    gst_object_unref(pad_template);
    gst_pad_set_element_private(sink, this);
    gst_pad_set_chain_function(sink, OnBuffer);
    gst_pad_set_event_function(sink, OnEvent);
    gst_pad_set_query_function(sink, OnQuery);

    GstPad* const first = gst_bin_find_unlinked_pad(GST_BIN(bin), GST_PAD_SINK);
    GstPad* const last = gst_bin_find_unlinked_pad(GST_BIN(bin), GST_PAD_SRC);
    const bool linked =
        first != nullptr && last != nullptr &&
        gst_pad_link_full(source, first, GST_PAD_LINK_CHECK_NOTHING) == GST_PAD_LINK_OK &&
        gst_pad_link_full(last, sink, GST_PAD_LINK_CHECK_NOTHING) == GST_PAD_LINK_OK;
    if (first != nullptr) gst_object_unref(first);
    if (last != nullptr) gst_object_unref(last);
    if (!linked) return Error(ErrorCode::kInternal, "GStreamer cannot link '" + elements + "'");
    return {};
  }

  // From any state to one in which the elements are new and know what is coming.
  bool Start() {
    gst_element_set_state(bin, GST_STATE_READY);
    // Going inactive makes our pads forget the old stream's events, EOS above all.
    gst_pad_set_active(source, FALSE);
    gst_pad_set_active(sink, FALSE);
    gst_pad_set_active(sink, TRUE);
    gst_pad_set_active(source, TRUE);
    if (gst_element_set_state(bin, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) return false;
    gst_pad_push_event(source, gst_event_new_stream_start("rtp"));
    const bool accepted = gst_pad_push_event(source, gst_event_new_caps(input_caps)) != FALSE;
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(source, gst_event_new_segment(&segment));
    return accepted;
  }

  Callbacks callbacks;
  Complaints complaints;
  GstCaps* input_caps = nullptr;
  GstElement* bin = nullptr;
  GstBus* bus = nullptr;
  GstPad* source = nullptr;
  GstPad* sink = nullptr;
};

Chain::Chain(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Chain::~Chain() {
  ComplaintsScope scope(impl_->complaints);
  impl_.reset();
}

Result<std::unique_ptr<Chain>> Chain::Make(const std::string& elements, GstCaps* input_caps,
                                           const std::string& output_caps, Callbacks callbacks) {
  auto impl = std::make_unique<Impl>();
  impl->input_caps = input_caps;
  impl->callbacks = std::move(callbacks);
  ComplaintsScope scope(impl->complaints);
  PS_TRY_VOID(impl->Build(elements, output_caps));
  if (!impl->Start())
    return Error(ErrorCode::kUnsupported,
                 "GStreamer's " + elements + " refuses this format " + impl->complaints.last);
  return std::unique_ptr<Chain>(new Chain(std::move(impl)));
}

void Chain::Push(const Bytes& packet, uint64_t pts_ns, bool discontinuity) {
  ComplaintsScope scope(impl_->complaints);
  // GStreamer asks for a pointer to non-const, but read-only memory is never written.
  GstBuffer* const buffer =
      gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, const_cast<uint8_t*>(packet.data()),
                                  packet.size(), 0, packet.size(), new Bytes(packet), ReleaseBytes);
  GST_BUFFER_PTS(buffer) = pts_ns;
  if (discontinuity) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  const GstFlowReturn flow = gst_pad_push(impl_->source, buffer);
  if (flow == GST_FLOW_OK) return;
  // An element that gave up stays so; new ones will do better with what comes next.
  impl_->complaints.Add(std::string("flow stopped: ") + gst_flow_get_name(flow));
  impl_->Start();
}

void Chain::Drain() {
  ComplaintsScope scope(impl_->complaints);
  gst_pad_push_event(impl_->source, gst_event_new_eos());
  impl_->Start();
}

const Complaints& Chain::complaints() const { return impl_->complaints; }

}  // namespace penstock::fragmenter::gst
