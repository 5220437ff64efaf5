using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PacketSec.Benchmarks.Ratios;

/// <summary>The same calls in C, compiled by the machine's compiler and called once per block.</summary>
internal sealed unsafe class NativeAead : IDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly nint _library;
    private readonly delegate* unmanaged<byte*, byte*, byte*, int, int, int> _seal;
    private readonly delegate* unmanaged<byte*, byte*, byte*, int, int, int> _open;

    private NativeAead(DirectoryInfo folder, string library)
    {
        _folder = folder;
        _library = NativeLibrary.Load(library);
        _seal = (delegate* unmanaged<byte*, byte*, byte*, int, int, int>)NativeLibrary.GetExport(_library, "seal_packets");
        _open = (delegate* unmanaged<byte*, byte*, byte*, int, int, int>)NativeLibrary.GetExport(_library, "open_packets");
    }

    /// <summary>Compiles and loads it.</summary>
    /// <param name="report">Tells the command, and why there is none.</param>
    /// <returns>Null where there is no compiler, or it fails.</returns>
    public static NativeAead? TryCompile(Action<string> report)
    {
        var source = Path.Combine(AppContext.BaseDirectory, "native", "aead.c");
        var folder = Directory.CreateTempSubdirectory("packetsec-aead-");
        var library = Path.Combine(folder.FullName, "libpacketsecaead.so");
        string[] flags = ["-O2", "-shared", "-fPIC", "-Wall", "-Wextra"];
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("cc", [.. flags, "-o", library, source, "-l:libcrypto.so.3"]) { RedirectStandardError = true })!;
            var errors = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            if (compiler.ExitCode == 0)
            {
                report($"C: cc {string.Join(' ', flags)} aead.c -l:libcrypto.so.3");
                return new NativeAead(folder, library);
            }

            report($"skipped: the ratios to C, because cc failed: {errors.Trim()}");
        }
        catch (Win32Exception e)
        {
            report($"skipped: the ratios to C, because there is no compiler named cc: {e.Message}");
        }

        folder.Delete(recursive: true);
        return null;
    }

    /// <summary>Seals packets, each with 4 bytes before and 16 after the payload.</summary>
    public void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> payload, Span<byte> packets, int count)
    {
        fixed (byte* k = key, input = payload, output = packets)
        {
            Require(_seal(k, input, output, payload.Length, count) == count);
        }
    }

    /// <summary>Opens what <see cref="Seal"/> sealed.</summary>
    public void Open(ReadOnlySpan<byte> key, ReadOnlySpan<byte> packets, Span<byte> payload, int count)
    {
        fixed (byte* k = key, input = packets, output = payload)
        {
            Require(_open(k, input, output, payload.Length, count) == count);
        }
    }

    public void Dispose()
    {
        NativeLibrary.Free(_library);
        _folder.Delete(recursive: true);
    }

    private static void Require(bool done)
    {
        if (!done)
        {
            throw new InvalidOperationException("The loop in C failed.");
        }
    }
}
