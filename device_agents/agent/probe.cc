#include "probe.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>
#endif

#include "clock.h"
#include "failure.h"
#include "json.h"

// Each kernel keeps so many independent accumulators in registers that the multipliers never wait for a result, and
// touches no memory. The empty asm makes one operand unknown to the compiler, which could otherwise add up a sum of
// equal integer products in closed form.
namespace pocketbench {
namespace {

constexpr int kRepetitions = 5;
constexpr int64_t kLengthNs = 60'000'000;
constexpr uint64_t kRounds = 20'000;  // of a kernel between two looks at the clock
constexpr size_t kReadBytes = size_t{256} << 20;  // over all threads: beyond the caches of phones and boards

template <typename T>
void keep(T value) {  // or the compiler drops the work whose result nobody reads
  asm volatile("" : : "r,m"(value) : "memory");
}

#if defined(__clang__)
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 32")
#endif

struct Kernel {
  const char* name;
  uint64_t macs_per_round;
  float (*run)(uint64_t rounds);  // its value only keeps the work alive
};

#if defined(__x86_64__)

#define OPAQUE(value) asm volatile("" : "+x"(value))

float fp32_sse2(uint64_t rounds) {
  __m128 sums[12], a = _mm_set1_ps(0.5f), b = _mm_set1_ps(0.25f);
  for (auto& sum : sums) sum = _mm_setzero_ps();
  for (uint64_t round = 0; round < rounds; ++round) {
    UNROLLED for (auto& sum : sums) {
      OPAQUE(a);
      sum = _mm_add_ps(sum, _mm_mul_ps(a, b));
    }
  }
  float total = 0;
  for (auto& sum : sums) total += _mm_cvtss_f32(sum);
  return total;
}

__attribute__((target("avx2,fma"))) float fp32_fma(uint64_t rounds) {
  __m256 sums[12], a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
  for (auto& sum : sums) sum = _mm256_setzero_ps();
  for (uint64_t round = 0; round < rounds; ++round) {
    OPAQUE(a);
    UNROLLED for (auto& sum : sums) sum = _mm256_fmadd_ps(a, b, sum);
  }
  float total = 0;
  for (auto& sum : sums) total += _mm256_cvtss_f32(sum);
  return total;
}

__attribute__((target("avx512f"))) float fp32_avx512(uint64_t rounds) {
  __m512 sums[20], a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
  for (auto& sum : sums) sum = _mm512_setzero_ps();
  for (uint64_t round = 0; round < rounds; ++round) {
    asm volatile("" : "+v"(a));
    UNROLLED for (auto& sum : sums) sum = _mm512_fmadd_ps(a, b, sum);
  }
  float total = 0, lanes[16];
  for (auto& sum : sums) {
    _mm512_storeu_ps(lanes, sum);
    total += lanes[0];
  }
  return total;
}

float int8_sse2(uint64_t rounds) {  // two int8 products at a time after widening, as pmaddwd has them
  __m128i sums[12], a = _mm_set1_epi16(3), b = _mm_set1_epi16(5);
  for (auto& sum : sums) sum = _mm_setzero_si128();
  for (uint64_t round = 0; round < rounds; ++round) {
    UNROLLED for (auto& sum : sums) {
      OPAQUE(a);
      sum = _mm_add_epi32(sum, _mm_madd_epi16(a, b));
    }
  }
  int total = 0;
  for (auto& sum : sums) total += _mm_cvtsi128_si32(sum);
  return static_cast<float>(total);
}

__attribute__((target("avx2"))) float int8_avx2(uint64_t rounds) {
  __m256i sums[12], a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5), ones = _mm256_set1_epi16(1);
  for (auto& sum : sums) sum = _mm256_setzero_si256();
  for (uint64_t round = 0; round < rounds; ++round) {
    UNROLLED for (auto& sum : sums) {
      OPAQUE(a);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
    }
  }
  int total = 0;
  for (auto& sum : sums) total += _mm256_extract_epi32(sum, 0);
  return static_cast<float>(total);
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) float int8_vnni(uint64_t rounds) {
  __m512i sums[20], a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  for (uint64_t round = 0; round < rounds; ++round) {
    UNROLLED for (auto& sum : sums) {
      asm volatile("" : "+v"(a));
      sum = _mm512_dpbusd_epi32(sum, a, b);
    }
  }
  int total = 0, lanes[16];
  for (auto& sum : sums) {
    _mm512_storeu_si512(lanes, sum);
    total += lanes[0];
  }
  return static_cast<float>(total);
}

// Tiles of 16 x 64 bytes; the system gives a process their registers only when it asks (arch_prctl).
constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA

__attribute__((target("amx-tile,amx-int8"))) float int8_amx(uint64_t rounds) {
  struct alignas(64) {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } config;
  alignas(64) int8_t ones[16 * 64];
  std::memset(ones, 1, sizeof ones);
  int32_t sums[16 * 16];
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, ones, 64);
  _tile_loadd(5, ones, 64);
  _tile_loadd(6, ones, 64);
  _tile_loadd(7, ones, 64);
  for (uint64_t round = 0; round < rounds; ++round) {
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 6);
    _tile_dpbssd(3, 5, 7);
  }
  _tile_stored(0, sums, 64);
  _tile_release();
  return static_cast<float>(sums[0]);
}

// As the kernel lists it, so the system saves its registers too; zig's runtime does not know __builtin_cpu_supports.
bool cpu_has(const std::string& feature) {
  std::ifstream file("/proc/cpuinfo");
  std::string word;
  while (file >> word) {
    if (word == feature) return true;
    if (word == "bugs") return false;  // one core's flags are enough
  }
  return false;
}

Kernel fp32_kernel() {
  if (cpu_has("avx512f")) return {"avx512f", 20 * 16, fp32_avx512};
  if (cpu_has("avx2") && cpu_has("fma")) return {"fma", 12 * 8, fp32_fma};
  return {"sse2", 12 * 4, fp32_sse2};
}

Kernel int8_kernel() {
  if (cpu_has("amx_int8") && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0) {
    return {"amx", 4 * 16 * 16 * 64, int8_amx};
  }
  if (cpu_has("avx512_vnni")) return {"avx512vnni", 20 * 64, int8_vnni};
  if (cpu_has("avx2")) return {"avx2", 12 * 32, int8_avx2};
  return {"sse2", 12 * 8, int8_sse2};
}

#elif defined(__aarch64__)

#define OPAQUE(value) asm volatile("" : "+w"(value))

float fp32_neon(uint64_t rounds) {
  float32x4_t sums[20], a = vdupq_n_f32(0.5f), b = vdupq_n_f32(0.25f);
  for (auto& sum : sums) sum = vdupq_n_f32(0);
  for (uint64_t round = 0; round < rounds; ++round) {
    OPAQUE(a);
    UNROLLED for (auto& sum : sums) sum = vfmaq_f32(sum, a, b);
  }
  float total = 0;
  for (auto& sum : sums) total += vaddvq_f32(sum);
  return total;
}

float int8_neon(uint64_t rounds) {  // smull, sadalp: what cores before Armv8.2 have
  int32x4_t sums[16];
  int8x8_t a = vdup_n_s8(3), b = vdup_n_s8(5);
  for (auto& sum : sums) sum = vdupq_n_s32(0);
  for (uint64_t round = 0; round < rounds; ++round) {
    UNROLLED for (auto& sum : sums) {
      OPAQUE(a);
      sum = vpadalq_s16(sum, vmull_s8(a, b));
    }
  }
  int total = 0;
  for (auto& sum : sums) total += vaddvq_s32(sum);
  return static_cast<float>(total);
}

float int8_sdot(uint64_t rounds) {  // as text, since compilers disagree on how to allow one function an extension
  int32x4_t sums[20];
  int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(5);
  for (auto& sum : sums) sum = vdupq_n_s32(0);
  for (uint64_t round = 0; round < rounds; ++round) {
    UNROLLED for (auto& sum : sums) {
      asm volatile(".arch_extension dotprod\n\tsdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(a), "w"(b));
    }
  }
  int total = 0;
  for (auto& sum : sums) total += vaddvq_s32(sum);
  return static_cast<float>(total);
}

constexpr unsigned long kHwcapDotProduct = 1UL << 20;  // HWCAP_ASIMDDP of linux/arch/arm64

Kernel fp32_kernel() { return {"neon", 20 * 4, fp32_neon}; }

Kernel int8_kernel() {
  if (getauxval(AT_HWCAP) & kHwcapDotProduct) return {"sdot", 20 * 16, int8_sdot};
  return {"neon", 16 * 8, int8_neon};
}

#endif

// Units a second over all threads, the best of some repetitions. `work` does one piece and returns its units; every
// thread begins together and goes on until the time is over. Seconds are the thread's own CPU time: another process on
// the core must not lower the ceiling.
double best_rate(int threads, const std::function<double(int thread)>& work) {
  double best = 0;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    std::vector<double> units(threads), seconds(threads);
    std::atomic<int> ready{0};
    std::vector<std::thread> pool;
    for (int index = 0; index < threads; ++index) {
      pool.emplace_back([&, index] {
        work(index);  // wakes the core, touches the memory
        ++ready;
        while (ready < threads) std::this_thread::yield();
        const int64_t begin = read_clock(CLOCK_THREAD_CPUTIME_ID);
        double done = 0;
        int64_t now = begin;
        while (now - begin < kLengthNs) {
          done += work(index);
          now = read_clock(CLOCK_THREAD_CPUTIME_ID);
        }
        units[index] = done;
        seconds[index] = static_cast<double>(now - begin) * 1e-9;
      });
    }
    for (auto& thread : pool) thread.join();
    double rate = 0;
    for (int index = 0; index < threads; ++index) rate += units[index] / seconds[index];
    if (rate > best) best = rate;
  }
  return best;
}

double macs_per_second(int threads, const Kernel& kernel) {
  return best_rate(threads, [&](int) {
    keep(kernel.run(kRounds));
    return static_cast<double>(kRounds) * static_cast<double>(kernel.macs_per_round);
  });
}

size_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  size_t kilobytes = 0;
  while (file >> key >> kilobytes) {
    if (key == "MemAvailable:") return kilobytes << 10;
    file.ignore(256, '\n');
  }
  return kReadBytes;
}

double read_bytes_per_second(int threads) {
  const size_t room = available_bytes() / 4;
  const size_t each = (room < kReadBytes ? room : kReadBytes) / static_cast<size_t>(threads) / 64 * 64;
  std::vector<std::vector<uint64_t>> buffers(threads);
  for (auto& buffer : buffers) buffer.assign(each / 8, 1);
  return best_rate(threads, [&](int thread) {
    const std::vector<uint64_t>& buffer = buffers[thread];
    asm volatile("" : : "r"(buffer.data()) : "memory");  // for all the compiler knows it changed since the last time
    uint64_t sums[8] = {};
    for (size_t i = 0; i + 8 <= buffer.size(); i += 8) {
      for (int lane = 0; lane < 8; ++lane) sums[lane] += buffer[i + lane];
    }
    uint64_t total = 0;
    for (uint64_t sum : sums) total += sum;
    keep(total);
    return static_cast<double>(each);
  });
}

}  // namespace

void run_probe(int threads) {
  const Kernel fp32 = fp32_kernel(), int8 = int8_kernel();
  const double fp32_rate = macs_per_second(threads, fp32);
  const double int8_rate = macs_per_second(threads, int8);
  const double read_rate = read_bytes_per_second(threads);
  std::printf(
      "{\"threads\":%d,\"fp32_macs_per_second\":%.4e,\"int8_macs_per_second\":%.4e,\"read_bytes_per_second\":%.4e,"
      "\"fp32_kernel\":%s,\"int8_kernel\":%s}\n",
      threads, fp32_rate, int8_rate, read_rate, quoted(fp32.name).c_str(), quoted(int8.name).c_str());
}

}  // namespace pocketbench
