// Whether whoever asked for a change still waits for the answer. A container that was stopped for a
// while goes on with what it had begun; by then its client, or the balancer before it, has asked
// another container, was answered and has perhaps changed the object again. So where containers
// share the data, a change whose asker has gone is not made any more: it is looked at when the
// key's lock is held, from which moment no other container can have made one. Plain values.
#pragma once

namespace millrace::s3::store {

struct Asker {
  bool (*has_gone)(void* context) = nullptr;
  void* context = nullptr;

  bool gone() const { return has_gone != nullptr && has_gone(context); }
};

}  // namespace millrace::s3::store
