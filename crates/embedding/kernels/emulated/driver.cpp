// A stand-in for libcuda.so.1, for tests where there is no GPU: the part of the driver's interface that is used here, with memory of the host as that of the device, and
// kernels as functions of the host, out of the same sources. It proves what the host asks for and what kernels compute; it says nothing about a GPU.
//
// It is stricter than a driver: a thread has to have a context for all it asks; memory ends at a page that cannot be touched, and is full of NaNs when it is new; what was given back cannot be touched either; every other
// launch runs its threads from the last to the first. What a stream is asked for is done as late as a driver may do it: when somebody waits for it, or when much is asked for.
#include "on_host.h"

#include "../lookup.cu"
#include "../norm.cu"
#include "../segment_sum.cu"
#include "../step.cu"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <tuple>
#include <utility>
#include <vector>

namespace {

// Values of CUresult.
enum Result { success = 0, invalid_value = 1, out_of_memory = 2, no_device = 100, invalid_device = 101, not_found = 500, not_supported = 801 };

using Task = std::function<void()>;
// What a thread of a kernel does, with a copy of the parameters.
using Function = std::function<Task(void **)>;
using Pointer = unsigned long long;

template <typename... Arguments, size_t... index>
Function unpacked(void (*kernel)(Arguments...), std::index_sequence<index...>) {
  return [kernel](void **parameters) -> Task {
    const std::tuple<std::remove_reference_t<Arguments>...> copies(*static_cast<std::remove_reference_t<Arguments> *>(parameters[index])...);
    return [kernel, copies] { std::apply(kernel, copies); };
  };
}

template <typename... Arguments> Function function(void (*kernel)(Arguments...)) {
  return unpacked(kernel, std::index_sequence_for<Arguments...>{});
}

struct Kernel {
  Function function;
  // Whether threads of a warp give one another values.
  bool meets;
};

// By name. `kernels.inc` has KERNEL(name, meets) for every kernel of the PTX.
const std::map<std::string, Kernel> kernels = {
#define KERNEL(NAME, MEETS) {#NAME, {function(NAME), MEETS}},
#include "kernels.inc"
};

size_t number_from(const char *variable, size_t otherwise) {
  const char *text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

const size_t memory = number_from("EMULATED_CUDA_MEMORY", size_t(2) << 30);
const int devices = int(number_from("EMULATED_CUDA_DEVICES", 1));

// What the stream has yet to do, in order, and how much it has been asked for and has done.
constexpr size_t much = 256;
std::mutex stream_lock;
std::deque<Task> tasks;
uint64_t asked = 0, done = 0;

// Does what was asked for up to number `until`.
void finish_until(uint64_t until, const std::lock_guard<std::mutex> &) {
  for (; done < until && !tasks.empty(); done++) {
    tasks.front()();
    tasks.pop_front();
  }
}

void finish() {
  const std::lock_guard<std::mutex> guard(stream_lock);
  finish_until(asked, guard);
}

Result later(Task task) {
  const std::lock_guard<std::mutex> guard(stream_lock);
  tasks.push_back(std::move(task)), asked++;
  if (tasks.size() > much) finish_until(asked - much, guard);
  return success;
}

struct Event {
  // Until then it waits; 0: it was never recorded.
  std::atomic<uint64_t> until = 0;
  std::chrono::steady_clock::time_point time;
};

struct Allocation {
  void *pages;
  size_t mapped, bytes;
  bool given_back;
};
std::mutex lock;
std::map<Pointer, Allocation> allocations;
// Memory of the host that a device reads by itself, when it comes to it: where it is, and its bytes.
std::map<const char *, size_t> pinned;
size_t used = 0;
thread_local void *current = nullptr;
int context, stream;

constexpr size_t page = 4096;

size_t free_bytes() {
  const std::lock_guard<std::mutex> guard(lock);
  return memory - used;
}

Result allocate(Pointer *out, size_t bytes) {
  if (bytes == 0) return invalid_value;
  if (bytes > free_bytes()) finish();
  const std::lock_guard<std::mutex> guard(lock);
  if (bytes > memory - used) return out_of_memory;
  const size_t room = (bytes + page - 1) / page * page;
  void *pages = mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return out_of_memory;
  mprotect(static_cast<char *>(pages) + room, page, PROT_NONE);
  // Memory of a device begins at multiples of 256 bytes, and kernels rely on 16.
  char *const start = static_cast<char *>(pages) + room - (bytes + 15) / 16 * 16;
  std::memset(start, 0xFF, bytes);
  *out = reinterpret_cast<Pointer>(start);
  allocations[*out] = {pages, room + page, bytes, false};
  used += bytes;
  return success;
}

Result release(Pointer pointer) {
  {
    const std::lock_guard<std::mutex> guard(lock);
    const auto found = allocations.find(pointer);
    if (found == allocations.end() || found->second.given_back) return invalid_value;
    found->second.given_back = true;
  }
  return later([pointer] {
    const std::lock_guard<std::mutex> guard(lock);
    const auto found = allocations.find(pointer);
    used -= found->second.bytes;
    munmap(found->second.pages, found->second.mapped);
    allocations.erase(found);
  });
}

// Whether so many bytes from there on are one allocation's.
bool is_ours(Pointer pointer, size_t bytes) {
  const std::lock_guard<std::mutex> guard(lock);
  auto after = allocations.upper_bound(pointer);
  if (after == allocations.begin()) return false;
  const auto &[start, allocation] = *--after;
  return pointer + bytes <= start + allocation.bytes && !allocation.given_back;
}

// Whether so many bytes from there on are what a device reads by itself.
bool is_pinned(const void *from, size_t bytes) {
  const std::lock_guard<std::mutex> guard(lock);
  const char *const start = static_cast<const char *>(from);
  auto after = pinned.upper_bound(start);
  return after != pinned.begin() && (--after, start + bytes <= after->first + after->second);
}

void run(const Task &thread, bool meets, Place grid, Place block, bool backwards) {
  gridDim = grid;
  blockDim = block;
  const unsigned threads = block.x * block.y;
  const auto at = [backwards](uint64_t index, uint64_t count) { return unsigned(backwards ? count - 1 - index : index); };
  const auto become = [block](unsigned thread) { threadIdx = {thread % block.x, thread / block.x, 0}; };
  static thread_local Warp warp;
  const uint64_t blocks = uint64_t(grid.x) * grid.y;
  for (uint64_t b = 0; b < blocks; b++) {
    const uint64_t block_at = backwards ? blocks - 1 - b : b;
    blockIdx = {unsigned(block_at % grid.x), unsigned(block_at / grid.x), 0};
    if (!meets) {
      for (unsigned t = 0; t < threads; t++) become(at(t, threads)), thread();
      continue;
    }
    for (unsigned first = 0; first < threads; first += warp_size) {
      const unsigned count = std::min(threads - first, warp_size);
      warp.run(count, backwards, [&](unsigned lane) { become(first + lane); }, thread);
    }
  }
}

} // namespace

extern "C" {

int cuInit(unsigned) { return devices > 0 ? success : no_device; }
int cuDriverGetVersion(int *version) { return *version = 13000, success; }
int cuDeviceGetCount(int *count) { return *count = devices, success; }
int cuDeviceGet(int *device, int ordinal) {
  if (ordinal < 0 || ordinal >= devices) return invalid_device;
  return *device = ordinal, success;
}
int cuDeviceGetName(char *name, int length, int) { return std::strncpy(name, "emulated on the host", size_t(length)), success; }
int cuDeviceTotalMem_v2(size_t *bytes, int) { return *bytes = memory, success; }
// 75 and 76 are the compute capability; all else that is asked for is whether something is there, as asynchronous allocation.
int cuDeviceGetAttribute(int *value, int attribute, int) { return *value = attribute == 75 ? 8 : attribute == 76 ? 0 : 1, success; }
int cuDevicePrimaryCtxRetain(void **out, int) { return *out = &context, success; }
int cuDevicePrimaryCtxRelease_v2(int) { return success; }
int cuCtxGetCurrent(void **out) { return *out = current, success; }
int cuCtxSetCurrent(void *context) { return current = context, success; }
int cuCtxSynchronize() { return finish(), success; }
int cuMemGetInfo_v2(size_t *free, size_t *total) { return finish(), *free = free_bytes(), *total = memory, success; }

int cuStreamCreate(void **out, unsigned) { return *out = &stream, success; }
int cuStreamDestroy_v2(void *) { return success; }
int cuStreamSynchronize(void *) { return finish(), success; }
int cuStreamWaitEvent(void *, void *, unsigned) { return success; }
int cuStreamIsCapturing(void *, int *status) { return *status = 0, success; }
int cuEventCreate(void **out, unsigned) { return *out = new Event, success; }
int cuEventRecord(void *of, void *) {
  Event *const event = static_cast<Event *>(of);
  const std::lock_guard<std::mutex> guard(stream_lock);
  tasks.push_back([event] { event->time = std::chrono::steady_clock::now(); });
  return event->until = ++asked, success;
}
int cuEventSynchronize(void *event) {
  const std::lock_guard<std::mutex> guard(stream_lock);
  return finish_until(static_cast<Event *>(event)->until, guard), success;
}
int cuEventElapsedTime_v2(float *ms, void *from, void *to) {
  cuEventSynchronize(from), cuEventSynchronize(to);
  const auto passed = static_cast<Event *>(to)->time - static_cast<Event *>(from)->time;
  *ms = std::chrono::duration<float, std::milli>(passed).count();
  return success;
}
int cuEventElapsedTime(float *ms, void *from, void *to) { return cuEventElapsedTime_v2(ms, from, to); }
// It may be recorded yet.
int cuEventDestroy_v2(void *event) { return later([event] { delete static_cast<Event *>(event); }); }

int cuMemAlloc_v2(Pointer *out, size_t bytes) { return current ? allocate(out, bytes) : invalid_value; }
int cuMemAllocAsync(Pointer *out, size_t bytes, void *) { return current ? allocate(out, bytes) : invalid_value; }
int cuDeviceGetDefaultMemPool(void **out, int) { return *out = &context, success; }
int cuMemPoolSetAttribute(void *pool, int, const void *) { return pool == &context ? success : invalid_value; }
int cuMemHostAlloc(void **out, size_t bytes, unsigned) {
  if (!current || bytes == 0) return invalid_value;
  void *const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return out_of_memory;
  const std::lock_guard<std::mutex> guard(lock);
  return pinned[static_cast<const char *>(*out = pages)] = bytes, success;
}
int cuMemFreeHost(void *pages) {
  const std::lock_guard<std::mutex> guard(lock);
  const auto found = pinned.find(static_cast<const char *>(pages));
  if (found == pinned.end()) return invalid_value;
  return munmap(pages, found->second), pinned.erase(found), success;
}
int cuMemFree_v2(Pointer pointer) { return release(pointer); }
int cuMemFreeAsync(Pointer pointer, void *) { return release(pointer); }
int cuMemsetD8Async(Pointer to, unsigned char value, size_t bytes, void *) {
  if (!current || !is_ours(to, bytes)) return invalid_value;
  return later([=] { std::memset(reinterpret_cast<void *>(to), value, bytes); });
}
int cuMemcpyHtoDAsync_v2(Pointer to, const void *from, size_t bytes, void *) {
  if (!current || !is_ours(to, bytes)) return invalid_value;
  if (is_pinned(from, bytes)) return later([=] { std::memcpy(reinterpret_cast<void *>(to), from, bytes); });
  std::vector<char> copy(static_cast<const char *>(from), static_cast<const char *>(from) + bytes);
  return later([to, copy = std::move(copy)] { std::memcpy(reinterpret_cast<void *>(to), copy.data(), copy.size()); });
}
int cuMemcpyDtoHAsync_v2(void *to, Pointer from, size_t bytes, void *) {
  if (!current || !is_ours(from, bytes)) return invalid_value;
  finish();
  return std::memcpy(to, reinterpret_cast<void *>(from), bytes), success;
}
int cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, void *) {
  if (!current || !is_ours(to, bytes) || !is_ours(from, bytes)) return invalid_value;
  return later([=] { std::memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes); });
}

int cuModuleLoadData(void **out, const void *ptx) {
  return current ? (*out = new std::string(static_cast<const char *>(ptx)), success) : invalid_value;
}
int cuModuleUnload(void *ptx) { return delete static_cast<std::string *>(ptx), success; }
int cuModuleGetFunction(const void **out, const void *ptx, const char *name) {
  if (!current) return invalid_value;
  const auto found = kernels.find(name);
  const bool is_there = static_cast<const std::string *>(ptx)->find(std::string(".entry ") + name + "(") != std::string::npos;
  if (!is_there || found == kernels.end()) return not_found;
  return *out = &found->second, success;
}
int cuLaunchKernel(const void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared, void *, void **parameters, void **) {
  static std::atomic<unsigned> launches = 0;
  if (!current || grid_x == 0 || grid_y == 0 || grid_z != 1 || shared != 0) return invalid_value;
  if (block_x == 0 || block_y == 0 || block_z != 1 || uint64_t(block_x) * block_y > 1024) return invalid_value;
  const Kernel &kernel = *static_cast<const Kernel *>(function);
  return later([=, meets = kernel.meets, thread = kernel.function(parameters), backwards = launches++ % 2 == 1] {
    run(thread, meets, {grid_x, grid_y, 1}, {block_x, block_y, 1}, backwards);
  });
}

// Asked for by the addon when it is loaded, and never called.
int cuCtxDestroy_v2(void *) { return not_supported; }
int cuModuleLoad(void **, const char *) { return not_supported; }
int cuMemcpyPeerAsync(Pointer, void *, Pointer, void *, size_t, void *) { return not_supported; }

int cuGetErrorName(int result, const char **out) {
  *out = result == out_of_memory ? "CUDA_ERROR_OUT_OF_MEMORY" : result == no_device ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR";
  return success;
}
int cuGetErrorString(int result, const char **out) {
  *out = result == out_of_memory ? "out of memory" : result == no_device ? "no CUDA-capable device is detected" : "an error";
  return success;
}

}
