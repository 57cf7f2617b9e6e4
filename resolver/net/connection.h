// One TCP connection: a step reads what is there, starts every request it may start, and writes every answer
// that is next in order, all of one step in one write (WIRE.md §3, BEHAVIOUR.md §4.1). A step follows
// whatever may have changed something: the socket, an exchange that is done, a deadline.
//
// A request starts when no earlier one of the connection holds it (waits in the committer, has its proof on
// the crypto pool, is a list that is being sent). Answers leave in request order whatever finishes first.
// An idle connection keeps no buffers; memory grows with the octets that arrived, never with a length that
// was announced.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "resolver/logic/foresight.h"
#include "resolver/net/lane.h"
#include "resolver/net/limits_by_source.h"
#include "resolver/net/sockets.h"

namespace idnode {

class Connections;

class Connection {
 public:
  // Worker thread, as everything here. `id` is unique in the node.
  Connection(Lane& lane, Connections& among, Descriptor socket, const Source& source,
             Admission::Ticket ticket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_.get(); }
  // The socket reports these epoll events; each readiness once (edge-triggered).
  void reported(std::uint32_t events);
  // The parts of a step, in their order. What is read stays in `room` until work(); `room` becomes what is
  // left of it.
  void read(Now now, std::uint64_t now_us, std::span<char>& room);
  void foresee(Foresight& foresight) const;
  void work();
  void write();
  // It has ended, and nobody but its owner knows it any more.
  bool over() const { return over_; }
  // Closes when a deadline has passed; called every now and then.
  void check(std::uint64_t now_ms);
  // Neither a request nor an answer is under way.
  bool idle() const { return slots_.empty() && in_left() == 0 && unsent() == 0 && linger_ms_ == 0 && !over_; }
  std::uint64_t quiet_since_ms() const { return active_ms_; }
  // Starts nothing more, closes when what runs has been answered.
  void drain();
  // Ends at once.
  void cut();

 private:
  friend class Connections;
  // One request whose answer is not in `out_` yet, in request order.
  struct Slot {
    std::shared_ptr<Drive> drive;  // null: `ready` is the answer
    std::string ready;
    bool close = false;
  };
  enum class Framing { kWhole, kPartial, kBroken };

  void receive(std::span<char>& room);
  void take_up(std::string_view octets);
  void turn();
  // Starts what may start of `octets`; returns how many of them are done with.
  std::size_t consume(std::string_view octets);
  Framing frame_at(std::string_view octets, handle::Envelope& envelope) const;
  void start_request(const handle::Envelope& envelope, std::string_view message);
  void finished(const Drive& drive);
  void collect();
  void flush();
  void end_of_input();
  void broken(std::string_view octets, bool with_message);
  bool may_start() const;
  bool may_read() const;
  void note_stop();
  void wake();
  void expire(Bite bite);
  void forget_input();
  void linger();
  void release_buffers();
  void protocol_error(const handle::Envelope& envelope, std::string_view message);

  std::size_t unwritten() const;
  std::size_t unsent() const { return out_.size() - out_sent_; }
  std::size_t in_left() const { return in_.size() - in_taken_; }

  Lane& lane_;
  Connections& among_;
  Descriptor socket_;
  std::shared_ptr<const Services> services_;  // that source_ was made with
  Source source_;
  Admission::Ticket ticket_;
  std::list<std::unique_ptr<Connection>>::iterator place_;  // in the order of activity

  std::string_view arrived_;  // read in this step, not yet taken up
  std::string in_;            // octets that arrived and are not done with, from in_taken_ on
  std::size_t in_taken_ = 0;
  std::string out_;
  std::size_t out_sent_ = 0;
  std::deque<Slot> slots_;

  std::uint64_t opened_ms_;
  std::uint64_t active_ms_;        // last octets in or out
  std::uint64_t message_ms_ = 0;   // when the message that is not whole began; 0: none
  std::uint64_t progress_ms_ = 0;  // when the client last took octets
  std::uint64_t linger_ms_ = 0;    // since when we only wait for the client's end
  std::size_t lingered_ = 0;       // octets thrown away since
  Now now_;                        // of this step
  std::uint64_t began_us_ = 0;     // this step, by the steady clock
  bool had_message_ = false;
  bool whole_waits_ = false;  // a whole request is in in_ and may not start yet
  bool eof_ = false;
  bool closing_ = false;  // nothing more starts; ends when all is written
  bool over_ = false;
  bool expired_ = false;     // a message was not whole in time
  bool woken_ = false;       // a step will follow
  bool readable_ = false;    // the socket may hold octets; it will not say so again
  bool to_the_end_ = false;  // only a read that finds nothing shows that nothing is left
  bool stopped_in_flight_ = false;
  bool stopped_output_ = false;
};

}  // namespace idnode
