// The threads of a warp, where they give one another values: each is a fiber, and runs until it has a value for the others or has ended.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <ucontext.h>
#include <vector>

constexpr unsigned warp_size = 32;

class Warp {
  struct Thread {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(64 << 10);
    bool has_ended;
    unsigned among, apart;
    float value;
  };

  std::vector<Thread> threads = std::vector<Thread>(warp_size);
  ucontext_t scheduler;
  unsigned count = 0, running = 0;
  const std::function<void()> *work = nullptr;

  static void enter() {
    (*current->work)();
    current->threads[current->running].has_ended = true;
  }

  // Every thread that has not ended has a value for others: those of its mask, which all have to be here, and with the same mask.
  void exchange_all() {
    std::vector<float> values;
    for (const Thread &thread : threads) values.push_back(thread.value);
    for (unsigned lane = 0; lane < count; lane++) {
      Thread &own = threads[lane];
      if (own.has_ended) continue;
      bool all_meet = own.among >> (lane ^ own.apart) & 1;
      for (unsigned other = 0; other < warp_size; other++)
        if (own.among >> other & 1) all_meet &= other < count && !threads[other].has_ended && threads[other].among == own.among;
      if (!all_meet) {
        std::fprintf(stderr, "thread %u waits for threads %x of its warp, which do not come\n", lane, own.among);
        std::abort();
      }
      own.value = values[lane ^ own.apart];
    }
  }

public:
  // The one whose thread is running.
  static inline thread_local Warp *current = nullptr;

  // Does `of_each` in `threads_of_it` threads, the last one first with `backwards`. `become(lane)` is called before a thread begins or goes on.
  void run(unsigned threads_of_it, bool backwards, const std::function<void(unsigned)> &become, const std::function<void()> &of_each) {
    current = this, count = threads_of_it, work = &of_each;
    for (Thread &thread : threads) {
      getcontext(&thread.context);
      thread.context.uc_stack.ss_sp = thread.stack.data();
      thread.context.uc_stack.ss_size = thread.stack.size();
      thread.context.uc_link = &scheduler;
      makecontext(&thread.context, enter, 0);
      thread.has_ended = false;
    }
    for (bool are_any = true; are_any; exchange_all()) {
      are_any = false;
      for (unsigned index = 0; index < count; index++) {
        running = backwards ? count - 1 - index : index;
        if (threads[running].has_ended) continue;
        become(running);
        swapcontext(&scheduler, &threads[running].context);
        are_any |= !threads[running].has_ended;
      }
    }
    current = nullptr;
  }

  // The value of the thread whose number is `apart` from the own one in a bit; all threads of the mask `among` ask for one.
  float exchange(unsigned among, float value, unsigned apart) {
    Thread &own = threads[running];
    own.among = among, own.apart = apart, own.value = value;
    swapcontext(&own.context, &scheduler);
    return own.value;
  }
};
