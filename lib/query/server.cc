// SPDX-License-Identifier: MIT
#include "query/server.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <map>
#include <thread>
#include <utility>
#include <zmq.hpp>

#include "base/prompt.h"
#include "query/endpoint.h"

namespace manhattan::query {
namespace {

// A longer frame ends its connection before it takes memory. Requests between kMaxRequestBytes and
// this are answered with an error, which tells the user more.
constexpr std::int64_t kMaxFrameBytes = 1024 * 1024;
// Requests of one client that wait for their turn; more wait in the client.
constexpr int kMaxWaitingRequests = 64;
constexpr int kMaxWaitingAnswers = 1000;
constexpr int kBacklog = 1024;          // connections at one instant
constexpr int kHeartbeatMs = 30'000;    // finds clients whose machine is gone
constexpr int kLingerMs = 100;          // for answers under way when the server stops
constexpr std::size_t kMaxFrames = 16;  // of a message; further ones are read and forgotten

// The peer of ours that answers what takes long. No client can take its name: it is the first
// there.
constexpr const char* kAnnex = "manhattan annex";
constexpr const char* kAnnexEndpoint = "inproc://annex";
// Requests that wait for it, of all clients. Twice as many where the client has no other: one that
// asks without end keeps nobody else out.
constexpr std::size_t kMaxSetAside = 1000;
// So much later than short ones do long ones come, by the time that a client was served.
constexpr auto kShortFirst = std::chrono::seconds(1);

using Frames = std::vector<zmq::message_t>;
using std::chrono::steady_clock;

/// A message as ROUTER gives it: whose it is and how to answer, then what is asked.
struct Envelope {
  Frames address;  ///< identity, and all up to the empty delimiter
  Frames body;
};

Frames receive(zmq::socket_t& socket) {
  Frames frames;
  for (bool has_more = true; has_more;) {
    zmq::message_t frame;
    [[maybe_unused]] const auto size = socket.recv(frame);
    has_more = frame.more();
    if (frames.size() < kMaxFrames) frames.push_back(std::move(frame));
  }
  return frames;
}

/// Takes each message, until the context is shut down. Waits in recv, not in poll: that would ask
/// for the socket's state and then again, four system calls more for each question.
template <class Take>
void take_all(zmq::socket_t& socket, Take take) {
  for (;;) {
    try {
      take(receive(socket));
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) return;
    }
  }
}

std::size_t bytes_of(const Frames& frames) {
  std::size_t bytes = 0;
  for (const auto& frame : frames) bytes += frame.size();
  return bytes;
}

Envelope unwrap(Frames frames) {
  std::size_t end = 1;  // a DEALER may leave the delimiter out
  for (std::size_t i = 1; i < frames.size(); ++i) {
    if (frames[i].size() != 0) continue;
    end = i + 1;
    break;
  }
  Envelope envelope;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    (i < end ? envelope.address : envelope.body).push_back(std::move(frames[i]));
  }
  return envelope;
}

void bind(zmq::socket_t& socket, const std::string& endpoint) {
  check_endpoint(endpoint);
  check_is_free(endpoint);
  try {
    socket.bind(endpoint);
  } catch (const zmq::error_t& error) {
    const auto code = error.num();
    if (code == EADDRINUSE || code == EACCES || code == EMFILE || code == ENFILE) {
      throw IoError("listen on", endpoint, std::error_code(code, std::generic_category()));
    }
    throw ConfigError("cannot listen on '" + endpoint + "': " + error.what());
  }
}

/// Requests that wait for the annex, a queue for each client, which is served one at a time.
///
/// Fair by start times (Goyal, Vin, Cheng 1996): the clock is that of service, and a request starts
/// when its client's last one ended by that clock, but not before now. The earliest is next.
class SetAside {
 public:
  struct Waiting {
    Frames address, body;
    bool is_short = false;
  };

  bool has(std::string_view client) const { return queues_.contains(client); }
  std::size_t size() const noexcept { return size_; }
  void add(Waiting waiting) {
    auto client = waiting.address.front().to_string();
    const auto known = ended_.find(client);
    const auto ended = known == ended_.end() ? now_ : std::max(now_, known->second);
    auto& queue = queues_.try_emplace(std::move(client), Queue{{}, ended, 0}).first->second;
    if (queue.requests.empty()) queue.number = ++numbers_;
    queue.requests.push_back(std::move(waiting));
    ++size_;
  }

  /// The request to be answered now; nothing where none waits or one is being answered.
  const Waiting* start() {
    if (is_serving_ || queues_.empty()) return nullptr;
    serving_ = std::ranges::min_element(queues_, {}, [](const auto& each) {
      return std::pair(each.second.due(), each.second.number);
    });
    now_ = std::max(now_, serving_->second.start);
    is_serving_ = true;
    started_ = steady_clock::now();
    return &serving_->second.requests.front();
  }

  /// That one was answered.
  Waiting finish() {
    auto& queue = serving_->second;
    auto done = std::move(queue.requests.front());
    queue.requests.pop_front();
    queue.start += steady_clock::now() - started_;
    queue.number = ++numbers_;
    --size_;
    is_serving_ = false;
    if (queue.requests.empty()) {
      ended_[serving_->first] = queue.start;
      queues_.erase(serving_);
      if (ended_.size() > kMaxSetAside)
        std::erase_if(ended_, [this](const auto& each) { return each.second <= now_; });
      if (ended_.size() > kMaxSetAside) ended_.clear();
    }
    return done;
  }

 private:
  using Time = steady_clock::duration;
  struct Queue {
    std::deque<Waiting> requests;
    Time start{};
    std::uint64_t number = 0;  ///< of the first request: of those due at once, in order
    Time due() const { return start + (requests.front().is_short ? Time{} : kShortFirst); }
  };

  std::map<std::string, Queue, std::less<>> queues_;  // none is empty
  std::map<std::string, Time, std::less<>> ended_;    // of clients that have no queue now
  std::map<std::string, Queue, std::less<>>::iterator serving_;
  bool is_serving_ = false;
  steady_clock::time_point started_;
  Time now_{};
  std::uint64_t numbers_ = 0;
  std::size_t size_ = 0;
};

}  // namespace

struct Server::Loop {
  struct Answer {
    std::string bytes;
    bool is_error = false;
  };

  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::router};
  zmq::socket_t annex{context, zmq::socket_type::dealer};
  Handler handler;
  Lengthy lengthy;
  std::vector<std::string> endpoints;
  SetAside set_aside;
  std::atomic<std::int64_t> answered{0}, refused{0}, dropped{0};
  std::thread thread, annex_thread;

  static std::unique_ptr<Loop> make();
  ~Loop();
  void set_limits();
  void open_annex();
  void take(Frames frames);
  void take_aside(Frames frames);
  void put_aside(Frames address, Frames body);
  bool is_short(const Frames& body) const;
  void ask_annex();
  void bring_back(Frames body);
  template <class Handle>
  Answer answer(const Frames& body, Handle handle);
  void count(const Answer& answer) noexcept;
  void send(Frames& address, std::string_view answer);
};

/// libzmq's own threads, which the first socket starts, are as prompt as who starts them.
std::unique_ptr<Server::Loop> Server::Loop::make() {
  const auto promptly = [] {
    base::be_prompt();
    return std::make_unique<Loop>();
  };
  return std::async(std::launch::async, promptly).get();
}

Server::Loop::~Loop() {
  // libzmq leaves the path behind. Gone before the socket closes: after that, another server may
  // have bound to it.
  for (const auto& endpoint : endpoints) release(endpoint);
}

void Server::Loop::set_limits() {
  socket.set(zmq::sockopt::maxmsgsize, kMaxFrameBytes);
  socket.set(zmq::sockopt::rcvhwm, kMaxWaitingRequests);
  socket.set(zmq::sockopt::sndhwm, kMaxWaitingAnswers);
  socket.set(zmq::sockopt::backlog, kBacklog);
  socket.set(zmq::sockopt::linger, kLingerMs);
  socket.set(zmq::sockopt::heartbeat_ivl, kHeartbeatMs);
  // Without this, an answer to a client that is gone or takes nothing in vanishes uncounted.
  socket.set(zmq::sockopt::router_mandatory, true);
}

void Server::Loop::open_annex() {
  socket.bind(kAnnexEndpoint);
  annex.set(zmq::sockopt::routing_id, kAnnex);
  annex.set(zmq::sockopt::linger, 0);
  annex.connect(kAnnexEndpoint);
}

void Server::Loop::take(Frames frames) {
  auto [address, body] = unwrap(std::move(frames));
  const auto& client = address.front();
  if (lengthy.handler && client.to_string_view() == kAnnex) return bring_back(std::move(body));
  // A client's answers come in the order of its questions.
  if (set_aside.has(client.to_string_view())) return put_aside(std::move(address), std::move(body));
  bool is_lengthy = false;
  const auto here = answer(body, [&](const Request& request) {
    is_lengthy = lengthy.handler && lengthy.is_lengthy(request);
    return is_lengthy ? nlohmann::json() : handler(request);
  });
  if (is_lengthy) return put_aside(std::move(address), std::move(body));
  count(here);
  send(address, here.bytes);
}

void Server::Loop::put_aside(Frames address, Frames body) {
  const bool is_large = bytes_of(address) + bytes_of(body) > 2 * kMaxRequestBytes;
  const auto most =
      set_aside.has(address.front().to_string_view()) ? kMaxSetAside : 2 * kMaxSetAside;
  if (is_large || set_aside.size() >= most) {
    const Refusal why("BusyError", "too much waits already for questions that take long");
    count({encode_error(why.what()), true});
    return send(address, encode_error(why.what()));
  }
  if (body.empty()) body.emplace_back();  // as wrong as none, but it can be handed on
  const bool is_short = this->is_short(body);
  set_aside.add({std::move(address), std::move(body), is_short});
  ask_annex();
}

bool Server::Loop::is_short(const Frames& body) const {
  try {
    if (body.size() != 1) return true;
    const auto request = decode_request(body[0].to_string_view());
    return !lengthy.is_lengthy(request) || (lengthy.is_short && lengthy.is_short(request));
  } catch (const std::exception&) {
    return true;  // it is answered with that
  }
}

/// Hands it the next request where it has none.
void Server::Loop::ask_annex() {
  const auto* next = set_aside.start();
  if (next == nullptr) return;
  socket.send(zmq::buffer(std::string_view(kAnnex)), zmq::send_flags::sndmore);
  for (std::size_t i = 0; i < next->body.size(); ++i) {
    const bool has_more = i + 1 < next->body.size();
    socket.send(zmq::buffer(next->body[i].data(), next->body[i].size()),
                has_more ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

/// On the annex's thread: what was asked.
void Server::Loop::take_aside(Frames frames) {
  const auto there = answer(frames, lengthy.handler);
  count(there);
  annex.send(zmq::buffer(there.bytes), zmq::send_flags::none);
}

/// From the annex: the answer.
void Server::Loop::bring_back(Frames body) {
  auto done = set_aside.finish();
  ask_annex();
  send(done.address, body.back().to_string_view());
}

template <class Handle>
Server::Loop::Answer Server::Loop::answer(const Frames& body, Handle handle) {
  try {
    if (body.size() != 1) throw Refusal("RequestError", "not a message of one part");
    return {encode_value(handle(decode_request(body[0].to_string_view())))};
  } catch (const Refusal& refusal) {
    return {encode_error(refusal.what()), true};
  } catch (const std::exception& error) {
    return {encode_error(std::string("Error: ") + error.what()), true};
  }
}

void Server::Loop::count(const Answer& answer) noexcept {
  (answer.is_error ? refused : answered).fetch_add(1, std::memory_order_relaxed);
}
void Server::Loop::send(Frames& address, std::string_view answer) {
  constexpr auto kMore = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
  try {
    for (auto& frame : address) {
      // Only the first can be refused: it chooses the client.
      if (!socket.send(frame, kMore)) {
        dropped.fetch_add(1, std::memory_order_relaxed);
        return;
      }
    }
    const auto sent = socket.send(zmq::buffer(answer), zmq::send_flags::dontwait);
    if (!sent) dropped.fetch_add(1, std::memory_order_relaxed);
  } catch (const zmq::error_t&) {  // EHOSTUNREACH: the client is gone
    dropped.fetch_add(1, std::memory_order_relaxed);
  }
}

Server::Server(const std::vector<std::string>& endpoints, Handler handler, Lengthy lengthy)
    : loop_(Loop::make()) {
  loop_->handler = std::move(handler);
  loop_->lengthy = std::move(lengthy);
  loop_->set_limits();
  if (loop_->lengthy.handler) loop_->open_annex();
  for (const auto& endpoint : endpoints) {
    bind(loop_->socket, endpoint);
    loop_->endpoints.push_back(loop_->socket.get(zmq::sockopt::last_endpoint));
  }
}

Server::~Server() {
  stop();
  for (auto* thread : {&loop_->thread, &loop_->annex_thread})
    if (thread->joinable()) thread->join();
}

void Server::start() {
  // Signals are the program's: none is to be taken by this thread.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto* loop = loop_.get();
  const auto front = [loop](Frames frames) { loop->take(std::move(frames)); };
  const auto aside = [loop](Frames frames) { loop->take_aside(std::move(frames)); };
  loop->thread = std::thread([loop, front] {
    base::be_prompt();
    take_all(loop->socket, front);
  });
  ::pthread_setname_np(loop->thread.native_handle(), "answer");
  if (loop->lengthy.handler) {
    loop->annex_thread = std::thread([loop, aside] { take_all(loop->annex, aside); });
    ::pthread_setname_np(loop->annex_thread.native_handle(), "answer lengthy");
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Server::stop() noexcept { loop_->context.shutdown(); }

const std::vector<std::string>& Server::endpoints() const noexcept { return loop_->endpoints; }

std::map<std::string, std::int64_t> Server::tallies() const {
  return {{"query_answered", loop_->answered.load(std::memory_order_relaxed)},
          {"query_refused", loop_->refused.load(std::memory_order_relaxed)},
          {"query_dropped", loop_->dropped.load(std::memory_order_relaxed)}};
}

std::string library_version() {
  const auto [major, minor, patch] = zmq::version();
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace manhattan::query
