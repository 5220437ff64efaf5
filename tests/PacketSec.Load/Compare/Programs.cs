using System.Diagnostics;
using System.Text.Json;
using PacketSec.Load.Compare.Contestants;

namespace PacketSec.Load.Compare;

/// <summary>Builds the foreign programs, each when it is first asked for, into a folder that is removed in the end.</summary>
internal sealed class Programs : IDisposable
{
    private const string OpenSslHint = "install OpenSSL's headers (Debian: apt-get install libssl-dev; Fedora: dnf install openssl-devel)";

    private static readonly string[] Flags = ["-O2", "-march=native", "-Wall", "-Wextra"];

    private readonly string _folder = Directory.CreateTempSubdirectory("packetsec-compare-").FullName;
    private readonly Lazy<string> _datapath;
    private readonly Lazy<string> _dtls;
    private readonly Lazy<string> _aead;
    private readonly Lazy<GoPeer> _go;

    public Programs()
    {
        _datapath = new(() => Compile("datapath", "-lcrypto"));
        _dtls = new(() => Compile("dtls", "-lssl", "-lcrypto"));
        _aead = new(() => Compile("aead", "-lcrypto"));
        _go = new(BuildGo);
    }

    /// <summary>Gets the compiler's flags.</summary>
    public static string CompilerFlags => string.Join(' ', Flags);

    /// <summary>Gets the program of the bare datagram path.</summary>
    public string Datapath => _datapath.Value;

    /// <summary>Gets the program over OpenSSL's DTLS.</summary>
    public string Dtls => _dtls.Value;

    /// <summary>Gets the program that measures the cipher by itself.</summary>
    public string Aead => _aead.Value;

    /// <summary>Gets the peer in Go, and a key for each of its sides.</summary>
    public GoPeer Go => _go.Value;

    /// <summary>Gets the versions of OpenSSL and the compiler, where a program in C was built.</summary>
    public string? Versions => _datapath.IsValueCreated ? Run(Datapath, ["version"], _folder).Output.Trim() : null;

    /// <summary>Calls this program itself.</summary>
    public ProgramCall Ours(IReadOnlyList<string> arguments)
    {
        var host = Environment.ProcessPath ?? throw new ContestException("The system does not tell which program this is: run it by dotnet run.");
        return Path.GetFileNameWithoutExtension(host) == "dotnet"
            ? new(host, [typeof(Programs).Assembly.Location, .. arguments])
            : new(host, arguments);
    }

    /// <summary>Runs a program that measures the cipher by itself.</summary>
    /// <exception cref="ContestException">It failed.</exception>
    public AeadResult MeasureAead(ProgramCall call)
    {
        var (code, output, errors) = Run(call.File, call.Arguments, _folder);
        return code == 0
            ? JsonSerializer.Deserialize<AeadResult>(output, FloodJson.Options)!
            : throw new ContestException($"{Path.GetFileName(call.File)} does not measure the cipher: {errors}");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Compile(string name, params string[] libraries)
    {
        var output = Path.Combine(_folder, name);
        var source = Path.Combine(AppContext.BaseDirectory, "native", name + ".c");
        var (code, _, errors) = Run("cc", [.. Flags, "-o", output, source, .. libraries], _folder, "install a C compiler (Debian: apt-get install gcc libc6-dev)");
        return code switch
        {
            0 => output,
            _ when errors.Contains("openssl/", StringComparison.Ordinal) || errors.Contains("-lcrypto", StringComparison.Ordinal)
                => throw new ContestException($"{name}.c does not compile: {OpenSslHint}."),
            _ => throw new ContestException($"{name}.c does not compile:{Environment.NewLine}{errors}"),
        };
    }

    private GoPeer BuildGo()
    {
        var script = Path.Combine(RepositoryRoot(), "interop", "go", "build.sh");
        var file = Path.Combine(_folder, "psec-go");
        var (code, _, errors) = Run(script, [file], _folder, "run the comparison inside a checkout");
        if (code != 0)
        {
            throw new ContestException($"psec-go does not build; interop/go/README.md says what to install:{Environment.NewLine}{errors}");
        }

        return new(file, NewKey(file, "receiver.pem"), NewKey(file, "sender.pem"));
    }

    private string NewKey(string program, string name)
    {
        var path = Path.Combine(_folder, name);
        var (code, _, errors) = Run(program, ["keygen", path], _folder);
        return code == 0 ? path : throw new ContestException($"psec-go makes no key: {errors}");
    }

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "PacketSec.sln")))
            {
                return folder.FullName;
            }
        }

        throw new ContestException("PacketSec.sln is in no folder above this program: run the comparison inside a checkout, or leave go out by --only.");
    }

    private static (int Code, string Output, string Errors) Run(string file, IReadOnlyList<string> arguments, string folder, string? remedy = null)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(file, arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, errors.GetAwaiter().GetResult());
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new ContestException($"{Path.GetFileName(file)} cannot be started: {remedy ?? error.Message}.");
        }
    }

    /// <summary>The peer in Go.</summary>
    internal sealed record GoPeer(string File, string ReceiverKey, string SenderKey);
}
